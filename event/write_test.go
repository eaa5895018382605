package event

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"
	"unicode/utf8"
)

// What is appended is what the general encoder writes, byte for byte: an event that is sent again must be the same one.
func TestWhatIsAppendedIsWhatIsMarshalled(t *testing.T) {
	t.Parallel()
	for _, c := range Catalog() {
		odd := sample(c)
		odd.Turn, odd.Call, odd.Trace, odd.Span, odd.Seq = "a \"turn\"\n<&>", "ü\u2028\u2029\x7f\x01\b", "t", "s", 0
		for name, e := range map[string]*Event{"full": sample(c), "odd": odd, "empty": {ID: NewID(), Kind: c.Kind, Schema: c.Schema, Session: "s", Time: time.Now(), Actor: System, Payload: c.New()}} {
			if _, err := seal(e.Payload); err != nil {
				t.Fatal(err)
			}
			want, err := marshalPublic(e)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := appendPublic(nil, e)
			if hasCounts := c.Kind == SessionClosed || c.Kind == SessionHeartbeat; !ok && !hasCounts {
				t.Errorf("%s, %s: not appended", c.Kind, name)
			}
			if ok && !bytes.Equal(got, want) {
				t.Errorf("%s, %s:\n%s\n%s", c.Kind, name, got, want)
			}
		}
	}
}

func FuzzAppendText(f *testing.F) {
	f.Add("plain")
	f.Add("\"\\/\b\f\n\r\t\x00\x1f\x7f <>& ü\u2028\u2029\U0001F600")
	f.Add("\xff\xed\xa0\x80")
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := appendText(nil, s)
		want, err := marshal(s)
		if err != nil || ok && !bytes.Equal(got, want) {
			t.Fatalf("%q: %s, want %s, %v", s, got, want, err)
		}
		if ok && !json.Valid(got) || !ok && utf8.ValidString(s) {
			t.Fatalf("%q: %v", s, ok)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	text := bytes.Repeat([]byte("ok  proctor/ledger 0.1s\n"), 24)
	id := NewID()
	b.ReportAllocs()
	for b.Loop() {
		p := &ExecOutputPayload{Stream: "stdout", Chunk: Secret(string(text))}
		if _, err := Encode(&Event{ID: id, Kind: ExecOutput, Schema: 1, Session: "session", Call: "call_1", Time: time.Now(), Actor: Executor, Payload: p}); err != nil {
			b.Fatal(err)
		}
	}
}
