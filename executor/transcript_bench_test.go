package executor

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"proctor/event"
)

// long is a session with n items: a prompt now and then, calls, outputs.
func long(n int) *Session {
	s := &Session{}
	output := strings.Repeat("some line of output\n", 60)
	for i := range n {
		var item json.RawMessage
		switch i % 10 {
		case 0:
			item = Message("user", fmt.Sprintf("prompt %d: please go on with the work", i))
		case 1, 3, 5, 7:
			item = encode(map[string]string{"type": callType, "call_id": fmt.Sprint("c", i), "name": "exec_command", "arguments": `{"cmd":"go test ./..."}`})
		case 9:
			item = Message("assistant", strings.Repeat("I have looked at it. ", 20))
		default:
			item = output1(fmt.Sprint("c", i-1), output)
		}
		s.history = append(s.history, item)
	}
	return s
}

func output1(id, text string) json.RawMessage { return output(false, id, text, nil) }

func BenchmarkTranscriptOf10000Events(b *testing.B) {
	s := long(10_000)
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			s.told = nil
			s.Transcript()
		}
	})
	b.Run("first, every item read", func(b *testing.B) {
		for b.Loop() {
			slow(s.history)
		}
	})
	b.Run("later", func(b *testing.B) {
		for b.Loop() {
			s.Transcript()
		}
	})
}

// A later transcript costs what is new, and is the same as one built from the beginning.
func TestTranscriptGoesOn(t *testing.T) {
	all, grown := long(300), long(300)
	grown.history = grown.history[:0]
	for i, item := range all.history {
		grown.history = append(grown.history, item)
		if i%7 == 0 {
			grown.Transcript()
		}
	}
	want, left := all.Transcript()
	got, omitted := grown.Transcript()
	if a, b := encode(want), encode(got); string(a) != string(b) || left != omitted || left == 0 || got[0].Number != 1 {
		t.Errorf("%d entries and %d omitted, want %d and %d", len(got), omitted, len(want), left)
	}
	var last event.TranscriptEntry
	for _, e := range got {
		if e.Number <= last.Number {
			t.Errorf("entry %d after %d", e.Number, last.Number)
		}
		last = e
	}
	start := time.Now()
	long(10_000).Transcript()
	if d := time.Since(start); d > 3*time.Second { // 20 ms on an idle machine; minutes if the cost were square
		t.Errorf("10,000 events took %s", d)
	}
}
