package executor

import (
	"encoding/json"
	"slices"
	"strings"

	"proctor/event"
)

const (
	// maxTranscript bounds the entries handed to a reviewer, newest first; it applies budgets of its own.
	maxTranscript = 200
	// maxOthers bounds those that are not the user's words: a reviewer is shown the newest forty at most.
	maxOthers = 60
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

// told is the conversation as it was taken apart so far: later transcripts read only what is new.
type told struct {
	items   int // of the history
	entries []event.TranscriptEntry
	names   map[string]string // call id to tool
}

// Transcript is the conversation as a reviewer may see it; what was left out is counted.
func (s *Session) Transcript() (entries []event.TranscriptEntry, omitted int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told == nil {
		s.told = &told{names: map[string]string{}}
	}
	for _, item := range s.history[s.told.items:] {
		s.told.add(item)
	}
	return choose(s.told.entries)
}

func (t *told) add(item json.RawMessage) {
	t.items++
	e, ok := transcriptEntry(item, t.names)
	if !ok || e.Role == event.RoleUser && (strings.HasPrefix(e.Text, Surroundings) || strings.HasPrefix(e.Text, HookPrompt)) {
		return
	}
	words, piped, both := strings.Cut(e.Text, PipedInput)
	if e.Role == event.RoleUser && both {
		e.Text = words
		t.append(e)
		e = event.TranscriptEntry{Role: event.RoleResult, Tool: "stdin", Text: piped}
	}
	t.append(e)
}

func (t *told) append(e event.TranscriptEntry) {
	e.Number = len(t.entries) + 1
	t.entries = append(t.entries, e)
}

// choose keeps what fits: the words of the user first, then the newest of the rest, in their order.
func choose(entries []event.TranscriptEntry) (kept []event.TranscriptEntry, omitted int) {
	keep := make([]bool, len(entries))
	size, count, others := 0, 0, 0
	for _, users := range []bool{true, false} {
		for i, e := range slices.Backward(entries) {
			if (e.Role == event.RoleUser) != users || count == maxTranscript || !users && others == maxOthers || size+len(e.Text) > maxTranscriptText {
				continue
			}
			if !users {
				others++
			}
			keep[i] = true
			size, count = size+len(e.Text), count+1
		}
	}
	for i, e := range entries {
		if keep[i] {
			kept = append(kept, e)
		}
	}
	return kept, len(entries) - len(kept)
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
