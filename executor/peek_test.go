package executor

import (
	"encoding/json"
	"fmt"
	"testing"

	"proctor/event"
)

// slow is the transcript of items that are all read in full, as it was built before.
func slow(items []json.RawMessage) ([]event.TranscriptEntry, int) {
	t := &told{names: map[string]string{}}
	for _, item := range items {
		if e, ok := transcriptEntry(item, t.names); ok {
			t.append(toldEntry{TranscriptEntry: e})
		}
	}
	return choose(t.entries)
}

func quick(items []json.RawMessage) ([]event.TranscriptEntry, int) {
	s := &Session{history: items}
	return s.Transcript()
}

// What is put off is read to the same bytes.
func TestATranscriptReadLaterIsTheSame(t *testing.T) {
	t.Parallel()
	items := append([]json.RawMessage(nil), long(2000).history...)
	for i, text := range []string{
		`{"type":"function_call","call_id":"e1","name":"x","arguments":""}`,
		`{"type":"function_call","call_id":"e2","name":"x"}`,
		`{"type":"function_call_output","call_id":"e1","output":""}`,
		`{"type":"function_call_output","call_id":"e1","output":null}`,
		`{"type":"function_call_output","call_id":"e1"}`,
		`{"type":"function_call_output","call_id":"e1","output":[{"type":"input_image","image_url":"data:"}]}`,
		`{"type":"custom_tool_call","call_id":"q\\"1","name":"apply_patch","input":"a \\" b \\\\"}`,
		`{"type":"custom_tool_call_output","call_id":"q\\"1","output":"\\\\\\""}`,
		`{"Type":"function_call","call_id":"u","name":"x","arguments":"a"}`,
		`{"type":"function_call","type":"message","role":"assistant","content":[{"text":"t"}]}`,
		`{"type":"function_call","call_id":7,"name":"x","arguments":"a"}`,
		`{"type":"function_call","call_id":"n","name":"x","arguments":{"a":1}}`,
		`{ "type" : "function_call" , "call_id" : "w" , "name" : "é" , "arguments" : "a" , "z" : [ 1 , {"}":"]"} ] }`,
		`{"type":"function_call","arguments":"a","name":"late","call_id":"l"}`, `{"output":"x","call_id":"l","type":"function_call_output"}`,
		`{"type":"reasoning","summary":[]}`, `[]`, `{}`, `{"type":"function_call","arguments":"a"`, `null`,
	} {
		at := len(items) - 50 + i
		items = append(items[:at:at], append([]json.RawMessage{json.RawMessage(text)}, items[at:]...)...)
	}
	for n := range 60 { // at every end, so that each of the odd ones is among those shown
		part := items[:len(items)-n]
		want, left := slow(part)
		got, omitted := quick(part)
		if a, b := fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", got); a != b || left != omitted {
			t.Fatalf("%d items\n got %s\nwant %s", len(part), b, a)
		}
	}
}

// FuzzPeek: what is told at first sight is what the full decoder reads, of everything that is JSON.
func FuzzPeek(f *testing.F) {
	f.Add([]byte(`{"type":"function_call","call_id":"c","name":"n","arguments":"{}"}`), []byte(`{"type":"function_call_output","call_id":"c","output":"x"}`))
	f.Add([]byte(`{"type":"custom_tool_call","input":"\\""}`), []byte(`{"type":"message","role":"user","content":[{"text":"t"}]}`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if !json.Valid(a) || !json.Valid(b) {
			peek(a) // must not panic
			return
		}
		items := []json.RawMessage{a, b}
		want, _ := slow(items)
		got, _ := quick(items)
		for _, e := range want {
			if e.Role == event.RoleUser { // taken apart further
				return
			}
		}
		if x, y := fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", got); x != y {
			t.Errorf("%s %s\n got %s\nwant %s", a, b, y, x)
		}
	})
}
