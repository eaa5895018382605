package auto

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"proctor/event"
	"proctor/reviewer"
)

// hostile is one line of testdata/injection.jsonl: a transcript in which the text at one place tries to steer the reviewer. {{mark}}
// in it becomes the mark of the request, as if the attacker had guessed what nobody can know.
type hostile struct {
	ID, User, At, Tool, Text string
}

func corpus(t testing.TB) (out []hostile) {
	t.Helper()
	f, err := os.Open("testdata/injection.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var h hostile
		if err := json.Unmarshal(lines.Bytes(), &h); err != nil {
			t.Fatal(err)
		}
		out = append(out, h)
	}
	if lines.Err() != nil || len(out) < 60 {
		t.Fatalf("%d transcripts, %v", len(out), lines.Err())
	}
	return out
}

// places are where untrusted text can stand.
var places = map[string]func(q *reviewer.Request, text string){
	"assistant":     func(q *reviewer.Request, s string) { q.Context.Transcript[1].Text = s },
	"call":          func(q *reviewer.Request, s string) { q.Context.Transcript[2].Text = s },
	"result":        func(q *reviewer.Request, s string) { q.Context.Transcript[3].Text = s },
	"tool":          func(q *reviewer.Request, s string) { q.Context.Transcript[3].Tool, q.Tool = s, s },
	"retry":         func(q *reviewer.Request, s string) { q.Context.RetryReason = s },
	"descriptions":  func(q *reviewer.Request, s string) { q.Context.Descriptions = s },
	"instructions":  func(q *reviewer.Request, s string) { q.Context.Instructions = s },
	"cwd":           func(q *reviewer.Request, s string) { q.Context.Cwd, q.Action.Cwd = s, s },
	"denied":        func(q *reviewer.Request, s string) { q.Context.DeniedReads = []string{s} },
	"argv":          func(q *reviewer.Request, s string) { q.Action.Argv[2] = s },
	"justification": func(q *reviewer.Request, s string) { q.Action.Justification = s },
	"patch": func(q *reviewer.Request, s string) {
		q.Action = event.Action{Kind: event.ActionPatch, Tool: "apply_patch", Cwd: "/ws", Patch: s, Files: []string{"/ws/a"}}
	},
	"files": func(q *reviewer.Request, s string) {
		q.Action = event.Action{Kind: event.ActionPatch, Tool: "apply_patch", Cwd: "/ws", Patch: "*** Begin Patch", Files: []string{s}}
	},
	"host": func(q *reviewer.Request, s string) {
		q.Action = event.Action{Kind: event.ActionNetwork, Tool: "network", Host: s, Port: 443, Protocol: "https"}
	},
	"arguments": func(q *reviewer.Request, s string) {
		q.Action = event.Action{Kind: event.ActionMCP, Tool: "mcp__x__y", Server: "x", Origin: s, Arguments: s}
	},
	"stdin": func(q *reviewer.Request, s string) {
		q.Action = event.Action{Kind: event.ActionStdin, Tool: "write_stdin", Process: 1, Input: s}
	},
}

func (h hostile) request(t testing.TB, place string) reviewer.Request {
	t.Helper()
	q := request()
	put, ok := places[place]
	if !ok {
		t.Fatalf("%s: no place %q", h.ID, place)
	}
	q.Context.Transcript[0].Text = strings.ReplaceAll(h.User, "{{mark}}", mark(q.ReviewID))
	q.Context.Transcript[3].Tool = h.Tool
	put(&q, strings.ReplaceAll(h.Text, "{{mark}}", mark(q.ReviewID)))
	q.Digest = q.Action.Digest()
	return q
}

// roomy is a budget that shortens nothing of the corpus.
var roomy = Budget{Messages: 1 << 20, Tools: 1 << 20, Message: 1 << 20, Tool: 1 << 20}

// Every hostile text, at its own place and at every other: each byte of it lies in the region of that place and nowhere else, and
// what is sent is what was built.
func TestInjectionStaysInItsRegion(t *testing.T) {
	n := 0
	for _, h := range corpus(t) {
		for place := range places {
			q := h.request(t, place)
			if (place == "retry" || place == "descriptions") && len(quote(h.Text)) > maxRetryReason || place == "instructions" && len(h.Text) > maxInstructions {
				continue // shortened, see below
			}
			if strings.TrimSpace(h.Text) == "" && place == "instructions" {
				continue
			}
			p, err := New(nil, Options{Budget: roomy}).prompt(q, lease{})
			if err != nil {
				t.Fatalf("%s at %s: %v", h.ID, place, err)
			}
			hold(t, q, p)
			sent, _ := json.Marshal(p.Messages)
			var back []Message
			if err := json.Unmarshal(sent, &back); err != nil || !slices.Equal(back[1].Texts, p.Messages[1].Texts) {
				t.Fatalf("%s at %s changes on the wire: %v", h.ID, place, err)
			}
			n++
		}
	}
	if n < 1000 {
		t.Errorf("only %d requests were built", n)
	}
}

// The same under the usual budgets: what is shortened stays in its region too, head and tail around a mark that text cannot imitate.
func TestShortenedInjectionStaysInItsRegion(t *testing.T) {
	for _, h := range corpus(t) {
		for _, place := range []string{h.At, "result", "assistant", "retry", "descriptions", "instructions"} {
			q := h.request(t, place)
			p, err := New(nil, Options{}).prompt(q, lease{})
			if err != nil {
				t.Fatalf("%s at %s: %v", h.ID, place, err)
			}
			for i, m := range p.Messages {
				for _, r := range regions(t, mark(q.ReviewID), m.Texts) {
					if strings.HasPrefix(r.header, "action to review") || strings.HasPrefix(r.header, "environment") || strings.HasPrefix(r.header, "paths") {
						if !json.Valid([]byte(r.text)) {
							t.Fatalf("%s at %s: message %d, %q is not plain JSON", h.ID, place, i, r.header)
						}
						continue
					}
					if n := strings.Count(r.text, "⟦about "); n > 1 {
						t.Fatalf("%s at %s: %d marks of a cut", h.ID, place, n)
					}
				}
			}
		}
	}
}
