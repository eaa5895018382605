package replay

import (
	"strings"
	"time"

	"proctor/event"
)

// Tone says how something should be seen; it never carries meaning that the text does not.
type Tone int

// The tones.
const (
	Plain Tone = iota
	Dim
	Good
	Warn
	Bad
)

// Timeline is one session for people. Its texts are as recorded: whoever shows them must [Escape] them.
type Timeline struct {
	Session string
	Start   time.Time // of the first entry
	Facts   []Detail  // what holds for the whole session
	Parts   []Part
	Summary Summary
}

// Part is a turn, or what happened outside of turns.
type Part struct {
	Turn  string // empty outside of turns
	Title string
	Items []Item
}

// Item is one thing that happened, with what belongs to it.
type Item struct {
	At      time.Duration // since Timeline.Start
	Seq     event.Seq     // of its first entry
	Label   string        // prompt, model, call, message, ...
	Call    string        // the call's id, for calls
	Text    string
	Result  string // how it ended: exit 0, 1.2 s
	Tone    Tone   // of Result
	Details []Detail
}

// Detail is one fact of an item. Lines, when set, stand below it.
type Detail struct {
	Label string
	Text  string
	Tone  Tone
	Lines []string
}

// Build arranges the entries of one session, in order, as a timeline. Entries of other sessions
// than that of the first are left out.
func Build(entries []event.Entry) Timeline {
	if len(entries) == 0 {
		return Timeline{}
	}
	t := Timeline{Session: entries[0].Session, Start: when(entries[0])}
	entries = ofSession(entries, t.Session)
	t.Summary = Summarize(entries)
	for _, p := range gather(entries) {
		part := Part{Turn: p.turn, Title: p.title}
		for _, g := range p.groups {
			if facts := sessionFacts(g); facts != nil {
				t.Facts = append(t.Facts, facts...)
				continue
			}
			if item, ok := g.item(t.Start); ok {
				part.Items = append(part.Items, item)
			}
		}
		if len(part.Items) > 0 {
			t.Parts = append(t.Parts, part)
		}
	}
	return t
}

func ofSession(entries []event.Entry, session string) []event.Entry {
	out := make([]event.Entry, 0, len(entries))
	for _, e := range entries {
		if e.Session == session {
			out = append(out, e)
		}
	}
	return out
}

// when is the producer's time of an entry, or the ledger's for kinds that are not known.
func when(e event.Entry) time.Time {
	if e.Event != nil {
		return e.Event.Time
	}
	return e.Received
}

// reveal is a sensitive text, or what stands for it.
func reveal(s event.Sensitive) string {
	if text, ok := s.Reveal(); ok {
		return text
	}
	return "‹sealed, " + count(int64(s.Len()), "byte") + "›"
}

// lines splits a block at LF and CRLF; the last line end does not begin a line.
func lines(text string) []string {
	if text == "" {
		return nil
	}
	out := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := range out {
		out[i] = strings.TrimSuffix(out[i], "\r")
	}
	return out
}
