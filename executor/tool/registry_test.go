package tool

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"proctor/event"
)

type fake struct{ name, namespace, form string }

func (f fake) Name() string                                    { return f.name }
func (f fake) Definition() json.RawMessage                     { return json.RawMessage(f.form) }
func (f fake) Propose(context.Context, Call) (Proposal, error) { return nil, nil }

type fakeOfServer struct{ fake }

func (f fakeOfServer) Namespace() string { return f.namespace }

func TestRegistry(t *testing.T) {
	run, echo := fake{name: "run", form: "{}"}, fakeOfServer{fake{"echo", "mcp__demo", "{}"}}
	r, err := NewRegistry(run, echo)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		namespace, name string
		want            Tool
	}{
		{"", "run", run}, {"functions", "run", run}, {"mcp__demo", "echo", echo}, {"", "mcp__demo__echo", echo},
		{"", "echo", nil}, {"mcp__demo", "run", nil}, {"mcp__other", "echo", nil}, {"", "", nil},
	} {
		got, err := r.Lookup(c.namespace, c.name)
		if got != c.want {
			t.Errorf("%q %q: got %v", c.namespace, c.name, got)
		}
		if _, unknown := errors.AsType[*UnknownToolError](err); unknown != (c.want == nil) {
			t.Errorf("%q %q: got error %v", c.namespace, c.name, err)
		}
	}
	_, err = r.Lookup("", strings.Repeat("x", 1<<20))
	if text := err.Error(); len(text) > 400 || !strings.HasPrefix(text, "unsupported call: xxx") || !strings.HasSuffix(text, "the tools of this session are run, mcp__demo__echo") {
		t.Errorf("got %.500q", text)
	}
	if _, err := NewRegistry(run, run, fake{name: "bad", form: "{"}); err == nil || !strings.Contains(err.Error(), `"run"`) || !strings.Contains(err.Error(), `"bad"`) {
		t.Errorf("got %v, want both problems", err)
	}
}

func TestGrantCheck(t *testing.T) {
	a := event.Action{Kind: event.ActionCommand, Tool: "run", Argv: []string{"x"}}
	if err := (Grant{Digest: a.Digest()}).Check(a); err != nil {
		t.Error(err)
	}
	planned := a
	planned.Plan = "p1"
	if err := (Grant{Digest: planned.Digest(), PlanDigest: "p1"}).Check(a); err != nil {
		t.Error(err)
	}
	for name, g := range map[string]Grant{"none": {}, "other plan": {Digest: planned.Digest(), PlanDigest: "p2"}, "no plan": {Digest: planned.Digest()}} {
		if err := g.Check(a); !errors.Is(err, ErrDigest) {
			t.Errorf("%s: got %v, want ErrDigest", name, err)
		}
	}
}
