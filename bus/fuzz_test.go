package bus

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"proctor/event"
)

func FuzzHello(f *testing.F) {
	for _, line := range []string{"proctor-bus/1 7 pass", "proctor-bus/2 7", "refused because", "proctor-bus/99999999999 1", "", "\x00"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		got, err := readLine(strings.NewReader(line + "\n"))
		if err != nil {
			if len(line) < maxHello && !strings.Contains(line, "\n") {
				t.Errorf("%q: %v", line, err)
			}
			return
		}
		pid, pass, err := parseHello(got)
		if err != nil {
			return
		}
		pid2, pass2, err := parseHello(strings.TrimSuffix(hello(Protocol, pid, pass), "\n"))
		if err != nil || pid2 != pid || pass2 != strings.TrimRight(pass, " ") {
			t.Errorf("%q: %d %q, then %d %q: %v", line, pid, pass, pid2, pass2, err)
		}
	})
}

// FuzzMessage decodes what other processes send: nothing panics, and what is accepted is what was sent.
func FuzzMessage(f *testing.F) {
	enc, err := event.Encode(&event.Event{
		ID: event.NewID(), Kind: event.UserPrompt, Schema: 1, Session: "s", Time: time.Now(), Actor: event.User,
		Payload: &event.UserPromptPayload{Prompt: event.Secret("x")},
	})
	if err != nil {
		f.Fatal(err)
	}
	frames := encodeFrames([]event.Encoded{enc})
	receipt := encodeReceipts([]event.Receipt{{ID: event.NewID()}})
	f.Add(frames)
	f.Add(appendBytes(nil, frames))
	f.Add(receipt)
	f.Add(append(receipt, frames...))
	f.Add(encodeAnswers([]outcome{{receipts: []event.Receipt{{ID: event.NewID()}, {ID: event.NewID()}}}, {err: event.ErrAnswered}, {}}))
	f.Add(encodeError(event.Fault{Code: "held", Text: "on hold"}))
	f.Add([]byte{0, 200, 'x'})
	f.Add([]byte{1, 255, 255, 255, 255})
	f.Add(bytes.Repeat([]byte{0}, 4*maxParts+4))
	stream, err := event.NewStream("s", 0, "", "", nil, time.Now)
	if err != nil {
		f.Fatal(err)
	}
	l := &lender{stream: stream}
	f.Fuzz(func(t *testing.T, data []byte) {
		if batch, err := decodeFrames(data); err == nil && !bytes.Equal(encodeFrames(batch), data) {
			t.Errorf("frames %x are not what was sent", data)
		}
		if receipts, err := decodeReceipts(data); err == nil && len(encodeReceipts(receipts)) != len(data) {
			t.Errorf("receipts %x", data)
		}
		if parts, err := cutAll(data); err == nil && len(parts) > maxParts {
			t.Errorf("%d parts", len(parts))
		}
		if list, err := decodeAnswers(data); err == nil && !slices.ContainsFunc(list, func(o outcome) bool { return o.err != nil }) && !bytes.Equal(encodeAnswers(list), data) {
			t.Errorf("answers %x are not what was sent", data)
		}
		_, _ = decodeEntry(data)
		if err := decodeError(data); (err != nil) != (len(data) > 0 && data[0] == 0) {
			t.Errorf("error %x: %v", data, err)
		}
		if drafts, err := l.drafts(data); err == nil && len(drafts) == 0 {
			t.Error("no draft and no error")
		}
	})
}
