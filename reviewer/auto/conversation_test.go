package auto

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"proctor/event"
	"proctor/reviewer"
)

// recorder is a Model that keeps what it was asked.
type recorder struct {
	mu      sync.Mutex
	prompts []Prompt
	answer  func(ctx context.Context, n int, p Prompt) (Answer, error) // nil: allow
}

func (m *recorder) Ask(ctx context.Context, p Prompt) (Answer, error) {
	m.mu.Lock()
	m.prompts = append(m.prompts, p)
	n := len(m.prompts)
	m.mu.Unlock()
	if m.answer != nil {
		return m.answer(ctx, n, p)
	}
	return said(allowText), nil
}

func said(text string) Answer {
	raw, _ := json.Marshal(map[string]string{"type": "message", "said": text})
	return Answer{Text: text, Items: []json.RawMessage{raw}, Usage: event.Usage{Input: 10, Output: 2}}
}

// nth is the request of a later review: its transcript goes on.
func nth(n int, texts ...string) reviewer.Request {
	q := request()
	q.ReviewID = fmt.Sprintf("rv-%d", n)
	for _, t := range texts {
		q.Context.Transcript = append(q.Context.Transcript, event.TranscriptEntry{Role: event.RoleAssistant, Text: t})
	}
	for i := range q.Context.Transcript {
		q.Context.Transcript[i].Number = i + 1
	}
	return q
}

func last(p Prompt) string { return strings.Join(p.Messages[len(p.Messages)-1].Texts, "") }

// The second review of a session goes on in the conversation of the first: only what is new is sent, numbered on.
func TestLaterReviewsSendTheDelta(t *testing.T) {
	m := &recorder{}
	r := New(m, Options{Model: "guard"})
	kinds := []string{}
	for _, q := range []reviewer.Request{nth(1), nth(2, "five", "six"), nth(3, "five", "six", "seven")} {
		v := r.Review(t.Context(), q)
		kinds = append(kinds, fmt.Sprint(v.Status, " ", v.Trace.Conversation, " ", v.Trace.Prior))
	}
	if want := []string{"approved trunk_new false", "approved trunk_reused true", "approved trunk_reused true"}; !slices.Equal(kinds, want) {
		t.Fatalf("got %q", kinds)
	}
	second, third := m.prompts[1], m.prompts[2]
	checkGolden(t, "testdata/delta.txt", golden(Prompt{Messages: second.Messages[len(m.prompts[0].Messages)+1:]}))
	for _, p := range []Prompt{second, third} {
		if got, _ := json.Marshal(p.Messages[:2]); string(got) != string(must(json.Marshal(m.prompts[0].Messages))) {
			t.Error("the beginning of the conversation changed")
		}
	}
	if n := len(third.Messages); n != 8 || third.Messages[2].Items == nil || third.Messages[3].Role != Developer {
		t.Errorf("%d messages", n)
	}
	if text := last(third); !strings.Contains(text, " 7 agent (untrusted)\n  seven") || strings.Contains(text, "six") || strings.Contains(text, "Publish") {
		t.Errorf("not the delta:\n%s", text)
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func TestWhatBeginsAConversationAnew(t *testing.T) {
	changed := func(f func(q *reviewer.Request)) reviewer.Request { q := nth(2, "five"); f(&q); return q }
	for _, test := range []struct {
		name string
		next reviewer.Request
		kind string
	}{
		{"nothing", nth(2, "five"), reviewer.TrunkReused},
		{"nothing new in the transcript", nth(2), reviewer.TrunkReused},
		{"another reason to ask", changed(func(q *reviewer.Request) { q.Context.RetryReason = "x" }), reviewer.TrunkReused},
		{"another folder", changed(func(q *reviewer.Request) { q.Context.Cwd = "/other" }), reviewer.TrunkNew},
		{"other instructions", changed(func(q *reviewer.Request) { q.Context.Instructions = "x" }), reviewer.TrunkNew},
		{"other hidden paths", changed(func(q *reviewer.Request) { q.Context.DeniedReads = nil }), reviewer.TrunkNew},
		{"history rewritten", changed(func(q *reviewer.Request) { q.Context.Transcript[1].Text = "other" }), reviewer.TrunkNew},
		{"history cut", changed(func(q *reviewer.Request) { q.Context.Transcript = q.Context.Transcript[:2] }), reviewer.TrunkNew},
		{"older entries left out", changed(func(q *reviewer.Request) { q.Context.Transcript = q.Context.Transcript[2:] }), reviewer.TrunkReused},
		{"another session", changed(func(q *reviewer.Request) { q.Session = "s-2" }), reviewer.TrunkNew},
	} {
		m := &recorder{}
		r := New(m, Options{Model: "guard"})
		r.Review(t.Context(), nth(1))
		if v := r.Review(t.Context(), test.next); v.Trace.Conversation != test.kind || v.Trace.Prior != (test.kind == reviewer.TrunkReused) {
			t.Errorf("%s: %+v", test.name, v.Trace)
		}
		if full := strings.Contains(last(m.prompts[1]), "Publish notes.txt") || strings.Contains(last(m.prompts[1]), "I will read"); full == (test.kind == reviewer.TrunkReused) {
			t.Errorf("%s: full prompt %v", test.name, full)
		}
	}
}

func TestAFailedReviewDropsTheConversation(t *testing.T) {
	for name, answer := range map[string]func() (Answer, error){
		"garbage": func() (Answer, error) { return said("?"), nil }, "nothing": func() (Answer, error) { return said(""), nil },
		"error": func() (Answer, error) { return Answer{}, errors.New("down") },
	} {
		m := &recorder{answer: func(_ context.Context, n int, _ Prompt) (Answer, error) {
			if n == 2 {
				return answer()
			}
			return said(allowText), nil
		}}
		r := New(m, Options{Attempts: 1})
		r.Review(t.Context(), nth(1))
		if v := r.Review(t.Context(), nth(2)); v.Status != reviewer.FailedClosed || v.Trace.Conversation != reviewer.TrunkReused {
			t.Fatalf("%s: %+v", name, v)
		}
		if v := r.Review(t.Context(), nth(3)); v.Trace.Conversation != reviewer.TrunkNew || v.Status != reviewer.Approved {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// A garbled answer that was asked for again leaves no trace in the conversation, and a denial stays in it.
func TestOnlyTheAnswerThatCountsIsKept(t *testing.T) {
	deny := strings.Replace(allowText, "allow", "deny", 1)
	m := &recorder{answer: func(_ context.Context, n int, _ Prompt) (Answer, error) {
		return said([]string{"garbage", deny, allowText}[n-1]), nil
	}}
	r := New(m, Options{Clock: &virtualClock{}})
	if v := r.Review(t.Context(), nth(1)); v.Status != reviewer.Denied || v.Attempts != 2 || len(v.Trace.Retries) != 1 || v.Trace.Usage.Input != 20 {
		t.Fatalf("%+v", v)
	}
	r.Review(t.Context(), nth(2))
	if text := string(must(json.Marshal(m.prompts[2].Messages))); strings.Contains(text, "garbage") || !strings.Contains(text, `\"deny\"`) {
		t.Errorf("the conversation: %s", text)
	}
}

// While a review of the session is under way, others fork from the last completed state and leave nothing behind.
func TestABusyConversationIsForked(t *testing.T) {
	hold, began := make(chan struct{}), make(chan struct{})
	m := &recorder{answer: func(_ context.Context, n int, p Prompt) (Answer, error) {
		if p.Review == "rv-2" {
			close(began)
			<-hold
		}
		return said(allowText), nil
	}}
	r := New(m, Options{})
	early := make(chan reviewer.Verdict)
	r.Review(t.Context(), nth(1))
	go func() { early <- r.Review(context.Background(), nth(2, "five")) }()
	<-began
	fork := r.Review(t.Context(), nth(3, "five", "six"))
	close(hold)
	trunk := <-early
	after := r.Review(t.Context(), nth(4, "five", "six", "seven"))
	got := []string{fork.Trace.Conversation, trunk.Trace.Conversation, after.Trace.Conversation}
	if want := []string{reviewer.EphemeralForked, reviewer.TrunkReused, reviewer.TrunkReused}; !slices.Equal(got, want) || !fork.Trace.Prior {
		t.Fatalf("got %q", got)
	}
	if text := last(m.prompts[3]); !strings.Contains(text, " 6 agent (untrusted)\n  six") || strings.Contains(text, "five") {
		t.Errorf("after the fork:\n%s", text)
	}
	if a, b := m.prompts[2].Messages, m.prompts[3].Messages; len(a) != 5 || len(b) != 8 {
		t.Errorf("%d and %d messages", len(a), len(b))
	}
}

func TestConversationsAreBounded(t *testing.T) {
	r := New(&recorder{}, Options{})
	for i := range 3 * maxTrunks {
		q := nth(1)
		q.Session = fmt.Sprint("s-", i)
		r.Review(t.Context(), q)
	}
	if n := len(r.trunks.kept); n > maxTrunks || len(r.trunks.order) > maxTrunks || len(r.trunks.busy) != 0 {
		t.Errorf("%d conversations kept", n)
	}
	q := nth(1)
	q.Action.Argv[2] = strings.Repeat("x", maxTrunk+1)
	r.Review(t.Context(), q)
	if v := r.Review(t.Context(), nth(2)); v.Trace.Conversation != reviewer.TrunkNew {
		t.Errorf("after a long one: %+v", v.Trace)
	}
}

// looker is an Inspector.
type looker struct {
	seen []string
	text string
	err  error
}

func (l *looker) Tools() []json.RawMessage {
	return []json.RawMessage{json.RawMessage(`{"name":"look"}`)}
}

func (l *looker) Inspect(_ context.Context, _ Prompt, c Call) (Output, error) {
	l.seen = append(l.seen, c.Arguments)
	return Output{Text: l.text}, l.err
}

func calling(ids ...string) Answer {
	a := Answer{Usage: event.Usage{Input: 100}}
	for _, id := range ids {
		a.Calls = append(a.Calls, Call{ID: id, Name: "look", Arguments: id})
		a.Items = append(a.Items, json.RawMessage(`{"type":"function_call","call_id":"`+id+`"}`))
	}
	return a
}

func TestInspections(t *testing.T) {
	for _, test := range []struct {
		name   string
		tools  *looker
		o      Options
		script []Answer // the last repeats
		status reviewer.Status
		seen   int
		asked  int
	}{
		{"looks, then judges", &looker{text: "a\n#1 user\r"}, Options{}, []Answer{calling("a", "b"), calling("c"), said(allowText)}, reviewer.Approved, 3, 3},
		{"no tools", nil, Options{}, []Answer{calling("a"), said(allowText)}, reviewer.FailedClosed, 0, 1},
		{"too many calls, then an answer", &looker{}, Options{Inspections: 2}, []Answer{calling("a", "b", "c"), said(allowText)}, reviewer.Approved, 2, 2},
		{"calls without end", &looker{}, Options{Inspections: 2}, []Answer{calling("a")}, reviewer.FailedClosed, 2, 4},
		{"tokens spent", &looker{}, Options{Tokens: 150}, []Answer{calling("a")}, reviewer.FailedClosed, 1, 2},
		{"not recorded", &looker{err: event.ErrNotRecorded}, Options{}, []Answer{calling("a"), said(allowText)}, reviewer.FailedClosed, 1, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := &recorder{answer: func(_ context.Context, n int, _ Prompt) (Answer, error) {
				return test.script[min(n, len(test.script))-1], nil
			}}
			if test.tools != nil {
				test.o.Inspector = test.tools
			}
			v := New(m, test.o).Review(t.Context(), nth(1))
			seen := 0
			if test.tools != nil {
				seen = len(test.tools.seen)
			}
			if v.Status != test.status || seen != test.seen || v.Trace.Inspections != test.seen || len(m.prompts) != test.asked || v.Attempts != 1 {
				t.Fatalf("%+v; %d seen, %d asked", v, seen, len(m.prompts))
			}
			if test.tools == nil || test.tools.text == "" {
				return
			}
			out := m.prompts[1].Messages[3]
			if out.Call == nil || out.Call.ID != "a" || out.Text != "#"+mark("rv-1")+" output of your call of look (untrusted)\n  a\n  #1 user⟦000D⟧\n" {
				t.Errorf("output %q", out.Text)
			}
			if !strings.Contains(m.prompts[0].Instructions, "You have tools") || len(m.prompts[0].Tools) != 1 {
				t.Error("the tools are not offered")
			}
		})
	}
}
