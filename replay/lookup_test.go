package replay

import (
	"strings"
	"testing"

	"proctor/event"
)

// What an executor for others was asked for is told in words; looks that found out nothing but what is where are left to single lines.
func TestLooksOfAnExecutorAreTold(t *testing.T) {
	content := strings.Repeat("4f2a9c0011223344", 4)
	for _, c := range []struct {
		payload event.Payload
		want    string
		shown   bool
	}{
		{&event.ExecutorAttachedPayload{Client: "codex-environment", Version: "0.169.0", Transport: "stdio", Workspace: "/w"}, "codex-environment 0.169.0, over stdio, works in /w", true},
		{&event.FileReadPayload{Operation: "fs/readFile", Path: "/w/a", Outcome: "read", Bytes: 6, Content: content, Policy: content}, "fs/readFile /w/a  → read, 6 bytes, 4f2a9c001122", true},
		{&event.FileReadPayload{Operation: "fs/readFile", Path: "/w/a", Outcome: "failed"}, "fs/readFile /w/a  → failed", true},
		{&event.FileReadPayload{Operation: "fs/getMetadata", Path: "/w/a", Outcome: "missing"}, "fs/getMetadata /w/a  → missing", false},
	} {
		entry := event.Entry{Event: &event.Event{Payload: c.payload}}
		if got, _ := Line(entry); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
		var item Item
		if shown := describeSingle(&item, entry); shown != c.shown || shown && join("  → ", item.Text, item.Result) != c.want {
			t.Errorf("alone: %v %q, %q; want %q", shown, item.Text, item.Result, c.want)
		}
	}
}
