package plan

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"proctor/event"
	"proctor/executor/tool"
)

func TestPlan(t *testing.T) {
	arguments := `{"explanation":"why","plan":[{"step":"one","status":"completed"},{"step":"two","status":"in_progress"}]}`
	p, err := Tool{}.Propose(context.Background(), tool.Call{Name: Name, Arguments: arguments})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]tool.Step{{Text: "one", Status: "completed"}, {Text: "two", Status: "in_progress"}}, p.(tool.Planner).Steps()); d != "" {
		t.Errorf("steps (-want +got):\n%s", d)
	}
	a := p.Action()
	if a.Kind != event.ActionPlan || a.Tool != Name || a.Arguments != arguments {
		t.Errorf("action is %+v", a)
	}
	r, err := p.Run(context.Background(), tool.Grant{Digest: a.Digest()}, nil)
	if err != nil || r.Output != "Plan updated" || !r.Success {
		t.Errorf("got %+v %v", r, err)
	}
	if _, err := p.Run(context.Background(), tool.Grant{}, nil); !errors.Is(err, tool.ErrDigest) {
		t.Errorf("got %v, want ErrDigest", err)
	}
	if !json.Valid(Tool{}.Definition()) {
		t.Error("the definition is not JSON")
	}
}

func TestRefusedPlans(t *testing.T) {
	for _, c := range []struct{ arguments, field string }{
		{`{}`, "plan"},
		{`{"plan":{}}`, "plan"},
		{`{"plan":[{"status":"pending"}]}`, "plan[0].step"},
		{`{"plan":[{"step":"a"}]}`, "plan[0].status"},
		{`{"plan":[{"step":"a","status":"pending"},{"step":"b","status":"done"}]}`, "plan[1].status"},
		{`{"plan":[{"step":"a","status":"in_progress"},{"step":"b","status":"in_progress"}]}`, "plan"},
		{`{"plan":[{"step":"` + strings.Repeat("x", MaxStep+1) + `","status":"pending"}]}`, "plan[0].step"},
		{`{"plan":[` + strings.Repeat(`{"step":"a","status":"pending"},`, MaxSteps) + `{"step":"a","status":"pending"}]}`, "plan"},
	} {
		_, err := Tool{}.Propose(context.Background(), tool.Call{Name: Name, Arguments: c.arguments})
		if got, ok := errors.AsType[*tool.ArgumentError](err); !ok || got.Field != c.field {
			t.Errorf("%.80s: got %v, want field %s", c.arguments, err, c.field)
		}
	}
}
