package executor

import (
	"encoding/json"
	"strings"

	"proctor/event"
)

const (
	// maxTranscript bounds the entries handed to a reviewer, newest first; it applies budgets of its own.
	maxTranscript = 200
	// maxTranscriptText bounds their text together, in bytes: the request for a review is one event.
	maxTranscriptText = 512 << 10
	// maxEntryText bounds one entry, in bytes.
	maxEntryText = 16 << 10
)

// Surroundings marks user items that tell the model where it is. No person said
// them, so a reviewer does not see them among the words of the user.
const Surroundings = "<environment_context>"

// PipedInput begins text that was piped in beside a prompt: data, not the user's words.
const PipedInput = "\n\n<stdin>\n"

// Transcript is the conversation as a reviewer may see it. The first user entry is
// always kept; what was left out is counted.
func (s *Session) Transcript() (entries []event.TranscriptEntry, omitted int) {
	names := map[string]string{} // call id to tool
	for _, item := range s.snapshot() {
		e, ok := transcriptEntry(item, names)
		if !ok || e.Role == event.RoleUser && strings.HasPrefix(e.Text, Surroundings) {
			continue
		}
		words, piped, both := strings.Cut(e.Text, PipedInput)
		if e.Role == event.RoleUser && both {
			e.Text = words
			entries = append(entries, e)
			e = event.TranscriptEntry{Role: event.RoleResult, Tool: "stdin", Text: piped}
		}
		entries = append(entries, e)
	}
	omitted = max(len(entries)-maxTranscript, 0)
	size := 0
	for i := len(entries) - 1; i >= omitted; i-- {
		if size += len(entries[i].Text); size > maxTranscriptText {
			omitted = i + 1
		}
	}
	if omitted == 0 {
		return entries, 0
	}
	kept := entries[omitted:]
	for _, e := range entries[:omitted] {
		if e.Role == event.RoleUser {
			return append([]event.TranscriptEntry{e}, kept...), omitted - 1
		}
	}
	return kept, omitted
}

func transcriptEntry(item json.RawMessage, names map[string]string) (event.TranscriptEntry, bool) {
	var i struct {
		itemHead
		Name      string          `json:"name"`
		Arguments string          `json:"arguments"`
		Input     string          `json:"input"`
		Output    json.RawMessage `json:"output"`
		Content   []contentPart   `json:"content"`
	}
	if json.Unmarshal(item, &i) != nil {
		return event.TranscriptEntry{}, false
	}
	e := event.TranscriptEntry{}
	switch {
	case i.Type == "message" && i.Role == "user":
		e.Role, e.Text = event.RoleUser, textOf(i.Content)
	case i.Type == "message" && i.Role == "assistant":
		e.Role, e.Text = event.RoleAssistant, textOf(i.Content)
	case i.Type == callType, i.Type == customCallType:
		names[i.CallID] = i.Name
		e.Role, e.Tool, e.Text = event.RoleCall, i.Name, i.Arguments+i.Input
	case i.Type == outputType, i.Type == customOutputType:
		e.Role, e.Tool = event.RoleResult, names[i.CallID]
		if json.Unmarshal(i.Output, &e.Text) != nil {
			e.Text = "[content that is not text]"
		}
	}
	e.Text = clip(e.Text, maxEntryText)
	return e, e.Role != "" && e.Text != ""
}

func textOf(parts []contentPart) string {
	var texts []string
	for _, p := range parts {
		if p.Text != "" {
			texts = append(texts, p.Text)
		}
	}
	return strings.Join(texts, "\n")
}
