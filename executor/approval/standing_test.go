package approval

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"proctor/event"
	"proctor/policy"
)

// answered are the two events of an approval.
func answered(turn string, a event.Action, scope string, change func(*event.ApprovalRequestedPayload, *event.ApprovalDecidedPayload)) []*event.Event {
	q := &event.ApprovalRequestedPayload{ApprovalID: "id-" + a.Digest().String(), Digest: a.Digest(), Action: event.SecretJSON(a)}
	d := &event.ApprovalDecidedPayload{ApprovalID: q.ApprovalID, Reviewer: "user:ann", Status: event.Approved, Scope: scope, Digest: a.Digest()}
	if change != nil {
		change(q, d)
	}
	return []*event.Event{{Turn: turn, Payload: q}, {Turn: turn, Payload: d}}
}

func fold(events ...*event.Event) *Standing {
	var g Standing
	for _, e := range events {
		g.Add(e)
	}
	return &g
}

func shell(script string) event.Action {
	return event.Action{Kind: event.ActionCommand, Tool: "exec_command", Argv: []string{"/bin/bash", "-lc", script}, Cwd: "/w", Permissions: event.UseDefault}
}

func TestOneSpellingOfACommandAnswersAnother(t *testing.T) {
	g := fold(answered("t", shell("touch 'a b'"), event.ScopeSession, nil)...)
	for script, want := range map[string]bool{
		`touch 'a b'`: true, `touch "a b"`: true, `touch   'a b'`: true,
		`touch a b`: false, `touch 'a b' c`: false, `touch 'a b' && true`: false, `touch 'a b' > x`: false, `touch a\ b`: false, `touch 'a c'`: false,
	} {
		if _, got := g.covers(shell(script)); got != want {
			t.Errorf("%s: covered %v, want %v", script, got, want)
		}
	}
	g = fold(answered("t", shell("make a && make b"), event.ScopeSession, nil)...)
	for script, want := range map[string]bool{"make a && make b": true, "make a || make b": false, "make b && make a": false, "make a": false} {
		if _, got := g.covers(shell(script)); got != want {
			t.Errorf("%s: covered %v, want %v", script, got, want)
		}
	}
}

// Every field of the key counts: an approval never answers an action that differs in one.
func TestAnApprovalAnswersOnlyItsKey(t *testing.T) {
	base := shell("make install")
	g := fold(answered("t", base, event.ScopeSession, nil)...)
	if by, ok := g.covers(base); !ok || by.reviewer != "user:ann" {
		t.Fatalf("the approved action is not covered: %+v", by)
	}
	for name, change := range map[string]func(*event.Action){
		"argument":    func(a *event.Action) { a.Argv[2] = "make instal1" },
		"cwd":         func(a *event.Action) { a.Cwd = "/w/" },
		"terminal":    func(a *event.Action) { a.TTY = true },
		"escalation":  func(a *event.Action) { a.Permissions = event.RequireEscalated },
		"permissions": func(a *event.Action) { a.Additional = &event.Permissions{Network: true} },
		"kind":        func(a *event.Action) { a.Kind = event.ActionStdin },
	} {
		a := base
		a.Argv = slices.Clone(base.Argv)
		change(&a)
		if _, ok := g.covers(a); ok {
			t.Errorf("another %s is covered", name)
		}
	}
	justified := base
	justified.Justification, justified.EnvNames = "because", []string{"X"}
	if _, ok := g.covers(justified); !ok {
		t.Error("a justification changed the key")
	}
}

func TestEveryFileOfAPatchMustBeGranted(t *testing.T) {
	patch := func(files ...string) event.Action {
		return event.Action{Kind: event.ActionPatch, Tool: "apply_patch", Patch: "p", Files: files}
	}
	g := fold(append(answered("t", patch("/a", "/b"), event.ScopeSession, nil), answered("t", patch("/c"), event.ScopeSession, nil)...)...)
	for _, c := range []struct {
		a    event.Action
		want bool
	}{{patch("/a"), true}, {patch("/c", "/b"), true}, {patch("/a", "/d"), false}, {patch("/d"), false}, {patch(), false}} {
		if _, got := g.covers(c.a); got != c.want {
			t.Errorf("%v: covered %v", c.a.Files, got)
		}
	}
}

func TestWhatIsNotAGrant(t *testing.T) {
	for name, change := range map[string]func(*event.ApprovalRequestedPayload, *event.ApprovalDecidedPayload){
		"once": func(_ *event.ApprovalRequestedPayload, d *event.ApprovalDecidedPayload) { d.Scope = event.ScopeOnce },
		"amendment": func(_ *event.ApprovalRequestedPayload, d *event.ApprovalDecidedPayload) {
			d.Scope = event.ScopeAmendment
		},
		"denied":         func(_ *event.ApprovalRequestedPayload, d *event.ApprovalDecidedPayload) { d.Status = event.Denied },
		"unknown status": func(_ *event.ApprovalRequestedPayload, d *event.ApprovalDecidedPayload) { d.Status = "yes" },
		"another digest": func(_ *event.ApprovalRequestedPayload, d *event.ApprovalDecidedPayload) { d.Digest[0] ^= 1 },
		"another id":     func(_ *event.ApprovalRequestedPayload, d *event.ApprovalDecidedPayload) { d.ApprovalID = "x" },
		"one-shot":       func(q *event.ApprovalRequestedPayload, _ *event.ApprovalDecidedPayload) { q.OneShot = true },
		"another action": func(q *event.ApprovalRequestedPayload, _ *event.ApprovalDecidedPayload) {
			q.Action = event.SecretJSON(shell("ls"))
		},
		"erased action": func(q *event.ApprovalRequestedPayload, _ *event.ApprovalDecidedPayload) { q.Action = event.Sensitive{} },
	} {
		if _, ok := fold(answered("t", shell("make"), event.ScopeSession, change)...).covers(shell("make")); ok {
			t.Errorf("%s: granted", name)
		}
	}
	both := answered("t", shell("make"), event.ScopeSession, nil)
	no := *both[1].Payload.(*event.ApprovalDecidedPayload)
	no.Status = event.Denied
	if _, ok := fold(both[0], &event.Event{Payload: &no}, both[1]).covers(shell("make")); ok {
		t.Error("a second answer counted")
	}
}

// Over random actions: an action is covered exactly when one was granted that is equal in all but what a key leaves out.
func TestACachedApprovalNeverAnswersADifferentKey(t *testing.T) {
	action := rapid.Custom(func(t *rapid.T) event.Action {
		a := event.Action{Tool: "x"}
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 0:
			a = shell(rapid.SampledFrom([]string{"make", "make a", "make 'a'", "'make' a", "make a && make", "make $X", "rm -rf x"}).Draw(t, "script"))
			a.Cwd = rapid.SampledFrom([]string{"/w", "/v"}).Draw(t, "cwd")
			a.Permissions = rapid.SampledFrom([]string{event.UseDefault, event.RequireEscalated, event.WithAdditional}).Draw(t, "word")
			if rapid.Bool().Draw(t, "more") {
				a.Additional = &event.Permissions{Network: rapid.Bool().Draw(t, "net"), Write: rapid.SampledFrom([][]string{nil, {"/x"}, {"/y"}}).Draw(t, "write")}
			}
		case 1:
			a.Kind, a.Files = event.ActionPatch, rapid.SliceOfN(rapid.SampledFrom([]string{"/a", "/b", "/c"}), 1, 3).Draw(t, "files")
		case 2:
			a.Kind, a.Server, a.Origin = event.ActionMCP, rapid.SampledFrom([]string{"s", "t"}).Draw(t, "server"), rapid.SampledFrom([]string{"o", "p"}).Draw(t, "origin")
			a.Tool, a.Arguments = rapid.SampledFrom([]string{"x", "y"}).Draw(t, "tool"), rapid.SampledFrom([]string{"{}", `{"a":1}`}).Draw(t, "arguments")
		}
		return a
	})
	rapid.Check(t, func(t *rapid.T) {
		given, wanted := rapid.SliceOfN(action, 0, 4).Draw(t, "given"), action.Draw(t, "wanted")
		var g Standing
		for _, a := range given {
			for _, e := range answered("t", a, event.ScopeSession, nil) {
				g.Add(e)
			}
		}
		_, got := g.covers(wanted)
		if want := coveredBySight(given, wanted); got != want {
			t.Fatalf("covered %v, want %v", got, want)
		}
	})
}

// coveredBySight says the same without keys. A command whose name is quoted is not one plain command, so it is a key of its own.
func coveredBySight(given []event.Action, a event.Action) bool {
	words := map[string]string{"make 'a'": "make a"}
	same := func(b event.Action) bool {
		if a.Kind == event.ActionCommand && b.Kind == a.Kind {
			x, y := a.Argv[2], b.Argv[2]
			if w := words[x]; w != "" {
				x = w
			}
			if w := words[y]; w != "" {
				y = w
			}
			return x == y && a.Cwd == b.Cwd && a.Permissions == b.Permissions && reflect.DeepEqual(a.Additional, b.Additional)
		}
		return reflect.DeepEqual(a, b)
	}
	if a.Kind != event.ActionPatch {
		return slices.ContainsFunc(given, same)
	}
	for _, f := range a.Files {
		if !slices.ContainsFunc(given, func(b event.Action) bool { return b.Kind == a.Kind && slices.Contains(b.Files, f) }) {
			return false
		}
	}
	return true
}

func TestAGrantIsUsedAndNamed(t *testing.T) {
	r := &reviewers{answer: func(p *event.ApprovalRequestedPayload) []*event.ApprovalDecidedPayload {
		out := says(event.Approved)(p)
		out[0].Scope, out[0].Reviewer = event.ScopeSession, "user:ann"
		return out
	}}
	g := gate(t, r)
	first, err := g.Rule(t.Context(), escalation())
	if err != nil {
		t.Fatal(err)
	}
	r.all.Wait()
	id := r.decidedIDs()
	again, err := g.Rule(t.Context(), escalation())
	if err != nil || !again.Allowed || !again.Escalated || len(r.events) != 1 {
		t.Fatalf("asked again: %+v %v, %d events", again, err, len(r.events))
	}
	d1, d2 := first.Decision.Payload.(*event.ToolDecisionPayload), again.Decision.Payload.(*event.ToolDecisionPayload)
	if d1.Decision != "approved_for_session" || d1.DecidedBy != "user" || d1.Approval != id[0] {
		t.Errorf("first: %+v", d1)
	}
	if d2.Decision != "approved_for_session" || d2.DecidedBy != "session" || d2.Source != "User" || d2.Approval != id[0] || d2.Reason != string(policy.ReasonApprovedForSession) {
		t.Errorf("again: %+v", d2)
	}
	other := escalation()
	other.Action.Argv[2] += "x"
	if _, err := g.Rule(t.Context(), other); err != nil || len(r.events) != 2 {
		t.Errorf("another command was not asked about: %v, %d events", err, len(r.events))
	}
	r.all.Wait()

	// A gate of a resumed session folds the recorded events and standing the same.
	var events []*event.Event
	for _, p := range []event.Payload{r.events[0].Payload, &event.ApprovalDecidedPayload{ApprovalID: id[0], Status: event.Approved, Scope: event.ScopeSession, Reviewer: "user:ann", Digest: escalation().Action.Digest()}} {
		events = append(events, &event.Event{Payload: p})
	}
	quiet := &reviewers{}
	resumed := gate(t, quiet)
	resumed.standing = *fold(events...)
	if out, err := resumed.Rule(t.Context(), escalation()); err != nil || !out.Allowed || len(quiet.events) != 0 {
		t.Errorf("resumed: %+v %v", out, err)
	}
}

func (r *reviewers) decidedIDs() (out []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if p, ok := e.Payload.(*event.ApprovalRequestedPayload); ok {
			out = append(out, p.ApprovalID)
		}
	}
	return out
}
