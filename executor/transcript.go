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
	entries []toldEntry
	names   map[string]string // call id to tool
}

// toldEntry is an entry whose text may not have been read yet: most of a long conversation is never shown.
type toldEntry struct {
	event.TranscriptEntry
	item json.RawMessage // nil once its text is read
}

// read fills in the text.
func (e *toldEntry) read() {
	if e.item == nil {
		return
	}
	full, _ := transcriptEntry(e.item, nil)
	e.Text, e.item = full.Text, nil
}

// Transcript is the conversation as a reviewer may see it; what was left out is counted.
func (s *Session) Transcript() (entries []event.TranscriptEntry, omitted int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told == nil {
		s.told = &told{names: map[string]string{}}
	}
	s.told.entries = slices.Grow(s.told.entries, len(s.history)-s.told.items)
	for _, item := range s.history[s.told.items:] {
		s.told.add(item)
	}
	return choose(s.told.entries)
}

func (t *told) add(item json.RawMessage) {
	t.items++
	if t.later(item) {
		return
	}
	e, ok := transcriptEntry(item, t.names)
	if !ok || e.Role == event.RoleUser && (strings.HasPrefix(e.Text, Surroundings) || strings.HasPrefix(e.Text, HookPrompt)) {
		return
	}
	words, piped, both := strings.Cut(e.Text, PipedInput)
	if e.Role == event.RoleUser && both {
		e.Text = words
		t.append(toldEntry{TranscriptEntry: e})
		e = event.TranscriptEntry{Role: event.RoleResult, Tool: "stdin", Text: piped}
	}
	t.append(toldEntry{TranscriptEntry: e})
}

// later keeps a call or a result whose text can wait to be read; false when the item must be read now.
func (t *told) later(item json.RawMessage) bool {
	p, ok := peek(item)
	if !ok {
		return false
	}
	e := toldEntry{item: item}
	switch p.kind {
	case callType, customCallType:
		t.names[p.callID] = p.name
		if len(p.arguments) <= len(`""`) && len(p.input) <= len(`""`) {
			return true // without text it is no entry
		}
		e.Role, e.Tool = event.RoleCall, p.name
	case outputType, customOutputType:
		if string(p.output) == `""` || string(p.output) == "null" {
			return true
		}
		e.Role, e.Tool = event.RoleResult, t.names[p.callID]
	default:
		return false
	}
	t.append(e)
	return true
}

func (t *told) append(e toldEntry) {
	e.Number = len(t.entries) + 1
	t.entries = append(t.entries, e)
}

// choose keeps what fits: the words of the user first, then the newest of the rest, in their order.
func choose(entries []toldEntry) (kept []event.TranscriptEntry, omitted int) {
	keep := make([]bool, len(entries))
	size, count, others := 0, 0, 0
	for _, users := range []bool{true, false} {
		for i := len(entries) - 1; i >= 0; i-- {
			e := &entries[i]
			if (e.Role == event.RoleUser) != users || count == maxTranscript || !users && others == maxOthers {
				continue
			}
			if e.read(); size+len(e.Text) > maxTranscriptText {
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
			kept = append(kept, e.TranscriptEntry)
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
		if names != nil {
			names[i.CallID] = i.Name
		}
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
