package redact

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"proctor/event"
)

// stuff puts text into every text of a payload, sensitive or not, whose name does not link events.
func stuff(v reflect.Value, text string) {
	p := v.Interface().(event.Payload)
	for _, f := range event.Fields(p) {
		field := v.Elem().FieldByIndex(f.Index)
		switch {
		case f.Sensitive:
			field.Set(reflect.ValueOf(event.Secret(text)))
		case links(f.Name) || verbatim[p.Kind()][f.Name]:
		case field.Kind() == reflect.String:
			field.SetString(text)
		case field.Type() == reflect.TypeFor[[]string]():
			field.Set(reflect.ValueOf([]string{text, "plain"}))
		}
	}
}

// A canary in every text of every kind is in no byte of what is recorded, nor of what leaves at a level that forbids it; the
// event that was handed in stays as it was.
func TestCanariesOfEveryKindAreNotRecorded(t *testing.T) {
	t.Parallel()
	known, _ := NewKnown("KNOWN", "kn0wn-by-value\"x")
	c, err := NewCapture(nil, Key("k"), known)
	if err != nil {
		t.Fatal(err)
	}
	canaries := []string{planted, `kn0wn-by-value"x`, "hunter2hunter3", "AKIAQ3EGRVKX4ZPLMN7T"}
	text := `{"a":"use ` + planted + ` now","b":"kn0wn-by-value\"x","cmd":"export DB_PASSWORD=hunter2hunter3","id":"AKIAQ3EGRVKX4ZPLMN7T"}`
	for _, k := range event.Catalog() {
		v := reflect.ValueOf(k.New())
		stuff(v, text)
		e := &event.Event{ID: event.NewID(), Kind: k.Kind, Schema: k.Schema, Session: "s", Actor: event.System, Payload: v.Interface().(event.Payload)}
		out := c.Event(e)
		enc, err := event.Encode(out)
		if err != nil {
			t.Fatal(err)
		}
		leaves := New(Options{LogUserPrompt: true, LogAgentResponses: true, LogGuardianAssessments: true}).View(e)
		seen, err := json.Marshal(leaves.Values)
		if err != nil {
			t.Fatal(err)
		}
		for _, canary := range canaries {
			quoted, _ := json.Marshal(canary)
			twice, _ := json.Marshal(string(quoted[1 : len(quoted)-1]))
			for _, form := range []string{canary, string(quoted[1 : len(quoted)-1]), string(twice[1 : len(twice)-1])} {
				if bytes.Contains(enc.Public, []byte(form)) || bytes.Contains(enc.Content, []byte(form)) {
					t.Errorf("%s records %q: %s %s", k.Kind, form, enc.Public, enc.Content)
				}
				if canary != canaries[1] && bytes.Contains(seen, []byte(form)) {
					t.Errorf("%s exports %q: %s", k.Kind, form, seen)
				}
			}
		}
		if out == e { // no text at all
			continue
		}
		if out.Masked == nil || out.Masked.Rules != c.Rules().Version() || len(out.Masked.Removals) == 0 || e.Masked != nil {
			t.Errorf("%s: masked %+v", k.Kind, out.Masked)
		}
		again, err := event.Decode(enc)
		if err != nil || len(again.Masked.Removals) != len(out.Masked.Removals) {
			t.Errorf("%s does not come back: %v", k.Kind, err)
		}
		for _, f := range event.Fields(e.Payload) {
			if s, ok := reflect.ValueOf(out.Payload).Elem().FieldByIndex(f.Index).Interface().(event.Sensitive); ok {
				now, _ := s.Reveal()
				if !json.Valid([]byte(now)) {
					t.Errorf("%s.%s is no longer JSON: %s", k.Kind, f.Name, now)
				}
				was, _ := reflect.ValueOf(e.Payload).Elem().FieldByIndex(f.Index).Interface().(event.Sensitive)
				if before, _ := was.Reveal(); before != text {
					t.Errorf("%s.%s was changed for its owner", k.Kind, f.Name)
				}
			}
		}
	}
}

func TestEventsWithoutSecretsAreNotCopied(t *testing.T) {
	t.Parallel()
	c, err := NewCapture(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	e := &event.Event{Kind: event.UserPrompt, Payload: &event.UserPromptPayload{Prompt: event.Secret("ls")}}
	if c.Event(e) != e {
		t.Error("copied")
	}
	known, _ := NewKnown("LATER", "a-later-secret")
	if err := c.Know(known); err != nil {
		t.Fatal(err)
	}
	e = &event.Event{Kind: event.UserPrompt, Payload: &event.UserPromptPayload{Prompt: event.Secret("use a-later-secret")}}
	text, _ := c.Event(e).Payload.(*event.UserPromptPayload).Prompt.Reveal()
	if text != "use [MASKED:LATER]" {
		t.Errorf("got %q", text)
	}
}

func TestReceiptsOfAnEventAreBounded(t *testing.T) {
	t.Parallel()
	c, err := NewCapture(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	e := &event.Event{Kind: event.UserPrompt, Payload: &event.UserPromptPayload{Prompt: event.Secret(strings.Repeat("DB_PASSWORD=hunter2hunter3\n", 100))}}
	r := c.Event(e).Masked.Removals
	if len(r) != maxReceipts || r[maxReceipts-1].Rule != "more" || r[maxReceipts-1].Bytes != 14*(100-maxReceipts+1) {
		t.Errorf("%d receipts, the last %v", len(r), r[len(r)-1])
	}
}
