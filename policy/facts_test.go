package policy

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var (
	onRequest = ApprovalPolicy{Mode: OnRequest}
	never     = ApprovalPolicy{Mode: Never}
	untrusted = ApprovalPolicy{Mode: Untrusted}
	allOn     = ApprovalPolicy{Mode: Granular, Categories: Categories{true, true, true, true, true}}
	allOff    = ApprovalPolicy{Mode: Granular}
)

func drawFacts(t *rapid.T) Facts {
	outcome := rapid.SampledFrom([]Outcome{Allow, Prompt, Forbid})
	match := rapid.Custom(func(t *rapid.T) RuleMatch {
		return RuleMatch{Prefix: rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b"}), 1, 3).Draw(t, "prefix"), Decision: outcome.Draw(t, "decision")}
	})
	part := rapid.Custom(func(t *rapid.T) Part {
		p := Part{Argv: []string{"a", "b"}, Class: rapid.SampledFrom([]Class{Safe, Ordinary, Dangerous, "odd"}).Draw(t, "class"),
			Matches: rapid.SliceOfN(match, 0, 2).Draw(t, "matches")}
		if rapid.Bool().Draw(t, "finding") {
			p.Findings = []Finding{{Code: "x", Class: rapid.SampledFrom([]Class{Ordinary, Dangerous}).Draw(t, "raised")}}
		}
		return p
	})
	flag := func(name string) bool { return rapid.Bool().Draw(t, name) }
	hint := func(name string) *bool {
		return rapid.SampledFrom([]*bool{nil, new(false), new(true)}).Draw(t, name)
	}
	list := func(name string) []string {
		return rapid.SliceOfN(rapid.SampledFrom([]string{"/x", "/y"}), 0, 1).Draw(t, name)
	}
	return Facts{
		Action: rapid.SampledFrom([]Action{ActionExec, ActionExec, ActionExec, ActionStdin, ActionPatch, ActionImage, ActionPlan, ActionNetwork,
			ActionMCP, ActionPermissions, ActionSkill, "odd"}).Draw(t, "action"),
		Approval: rapid.SampledFrom([]ApprovalPolicy{{}, untrusted, {Mode: OnFailure}, onRequest, never, allOn, allOff, {Mode: "odd"},
			{Mode: Granular, Categories: Categories{Rules: true}}, {Mode: Granular, Categories: Categories{SandboxApproval: true}}}).Draw(t, "approval"),
		Sandbox:  rapid.SampledFrom([]SandboxMode{ReadOnly, WorkspaceWrite, DangerFullAccess, ExternalSandbox, "odd"}).Draw(t, "sandbox"),
		Headless: flag("headless"), Reviewer: rapid.SampledFrom([]Reviewer{ReviewerUser, ReviewerAuto, ""}).Draw(t, "reviewer"),
		SessionApproved: flag("cached"), Escalation: flag("escalation"), Justified: flag("justified"), DeniedReads: flag("denied reads"),
		DocumentedClasses: flag("documented"),
		Parts:             rapid.SliceOfN(part, 0, 3).Draw(t, "parts"), Inner: rapid.SliceOfN(part, 0, 2).Draw(t, "inner"),
		Writes: &Writes{Inside: list("inside"), Outside: list("outside"), Protected: list("protected")},
		Stdin:  &Stdin{Known: flag("known"), Unconfined: flag("unconfined"), Empty: flag("empty")},
		Network: &Network{Host: "h", Port: 1, Protocol: "http", Enabled: flag("network"), Outcome: outcome.Draw(t, "egress"),
			Reason:  rapid.SampledFrom([]Reason{ReasonNetworkAllowed, ReasonNotAllowed, ReasonDenied}).Draw(t, "reason"),
			Askable: flag("askable"), RuleDecision: rapid.SampledFrom([]Outcome{"", Allow, Prompt, Forbid}).Draw(t, "network rule")},
		MCP:         &MCP{Server: "s", Tool: "t", Destructive: hint("destructive"), ReadOnly: hint("read-only"), OpenWorld: hint("open world")},
		Permissions: &Permissions{Held: flag("held"), ExceedsManaged: flag("exceeds")},
	}
}

func looser(a, b Decision) bool { return a.Outcome.Strictness() < b.Outcome.Strictness() }

// The same facts give the same decision, also after a round trip through the record.
func TestDecideIsReproducible(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(t)
		if f.Approval.Mode == "odd" {
			f.Approval = ApprovalPolicy{}
		}
		first := Decide(f)
		b, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		var back Facts
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(first, Decide(back)); d != "" {
			t.Fatal(d)
		}
	})
}

// A decision is complete: known outcome, source and reason, a text whenever it is not an allow, and a category on a prompt.
func TestDecisionIsComplete(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(t)
		d := Decide(f)
		switch {
		case d.Outcome != Allow && d.Outcome != Prompt && d.Outcome != Forbid, d.Source == "", d.Reason == "":
			t.Fatalf("incomplete decision %+v", d)
		case d.Outcome == Prompt && (d.Category == "" || d.Text == ""), d.Outcome == Forbid && d.Text == "", d.Outcome == Allow && d.Text != "":
			t.Fatalf("decision without category or text %+v", d)
		case d.Outcome == Prompt && f.Approval.Mode == Never:
			t.Fatal("asked under never")
		case d.Outcome == Forbid && d.BypassSandbox:
			t.Fatal("a refusal bypasses the sandbox")
		case d.Outcome != Forbid && f.Action == "odd":
			t.Fatal("an unknown action is not refused")
		}
	})
}

// Narrowing never turns a refusal into an allow or a prompt into an allow.
func TestNarrowingNeverWidens(t *testing.T) {
	narrow := map[string]func(f *Facts){
		"forbid rule": func(f *Facts) { addRule(f, Forbid) },
		"prompt rule where ruled": func(f *Facts) {
			if len(f.Parts) > 0 && len(f.Parts[0].Matches) > 0 {
				addRule(f, Prompt)
			}
		},
		"worse class":        func(f *Facts) { each(f, func(p *Part) { p.Class = Dangerous }) },
		"finding":            func(f *Facts) { each(f, func(p *Part) { p.Findings = append(p.Findings, Finding{"y", Dangerous}) }) },
		"headless":           func(f *Facts) { f.Headless, f.Reviewer = true, ReviewerUser },
		"no cached approval": func(f *Facts) { f.SessionApproved = false },
		"strict classes":     func(f *Facts) { f.DocumentedClasses = false },
		"on-request to untrusted": func(f *Facts) {
			if f.Approval == onRequest {
				f.Approval = untrusted
			}
		},
		"on-request to never": func(f *Facts) {
			if f.Approval == onRequest {
				f.Approval = never
			}
		},
		"categories off": func(f *Facts) {
			if f.Approval.Mode == Granular || f.Approval == onRequest {
				f.Approval = allOff
			}
		},
		"network off":   func(f *Facts) { f.Network.Enabled = false },
		"network rule":  func(f *Facts) { f.Network.RuleDecision = Forbid },
		"destructive":   func(f *Facts) { f.MCP.Destructive = new(true) },
		"outside write": func(f *Facts) { f.Writes.Outside = append(f.Writes.Outside, "/z") },
		"denied reads":  func(f *Facts) { f.DeniedReads = true },
	}
	for name, apply := range narrow {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				f := drawFacts(t)
				if name == "outside write" && len(f.Writes.Inside)+len(f.Writes.Outside)+len(f.Writes.Protected) == 0 {
					return // a patch without targets is refused; one target more makes it a patch
				}
				before := Decide(f)
				apply(&f)
				if after := Decide(f); looser(after, before) {
					t.Fatalf("before %+v\nafter %+v", before, after)
				}
			})
		})
	}
}

func addRule(f *Facts, o Outcome) {
	if len(f.Parts) > 0 {
		f.Parts[0].Matches = append(f.Parts[0].Matches, RuleMatch{Prefix: []string{"a"}, Decision: o})
	}
}

func each(f *Facts, change func(*Part)) {
	for i := range f.Parts {
		change(&f.Parts[i])
	}
}

// The sandbox is lifted only by full access, by an escalation or approval, or by allow rules for every part.
func TestSandboxIsLiftedOnlyWithAuthority(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(t)
		f.Action, f.Escalation = ActionExec, false
		d := Decide(f)
		if !d.BypassSandbox || f.Sandbox.Unconfined() {
			return
		}
		for _, p := range f.Parts {
			if len(p.Matches) == 0 || f.DeniedReads || d.Source != SourceRule {
				t.Fatalf("the sandbox is lifted by %+v", d)
			}
		}
	})
}

// A forbidding rule wins, wherever the command stands and whatever else allows it.
func TestForbidWins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(t)
		f.Action = ActionExec
		if !f.Approval.Known() || !f.Sandbox.Known() || len(f.Parts) == 0 {
			return
		}
		addAnywhere(t, &f, Forbid)
		if d := Decide(f); d.Outcome != Forbid {
			t.Fatalf("a forbidding rule gives %+v", d)
		}
	})
}

// One more match that is at least as strict as one that is there never loosens, in any part.
func TestStricterMatchNeverLoosens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(t)
		f.Action = ActionExec
		before := Decide(f)
		if added := addAnywhere(t, &f, Prompt); len(added.Matches) == 1 && added.Effective() != Safe {
			return // the first rule of a part takes the place of the heuristics
		}
		if after := Decide(f); looser(after, before) {
			t.Fatalf("before %+v\nafter %+v", before, after)
		}
	})
}

// addAnywhere adds a match to one of the parts or inner commands, and returns that one.
func addAnywhere(t *rapid.T, f *Facts, o Outcome) Part {
	all := make([]*Part, 0, len(f.Parts)+len(f.Inner))
	for i := range f.Parts {
		all = append(all, &f.Parts[i])
	}
	for i := range f.Inner {
		all = append(all, &f.Inner[i])
	}
	if len(all) == 0 {
		return Part{}
	}
	p := rapid.SampledFrom(all).Draw(t, "part")
	p.Matches = append(p.Matches, RuleMatch{Prefix: []string{"a"}, Decision: o})
	return *p
}

// What would change a decision is found by deciding again, and does change it; f itself stays.
func TestChangesDoChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(t)
		before := Decide(f)
		seen := map[string]bool{}
		for _, c := range Changes(f) {
			if c.Change == "" || c.Decision.Outcome == before.Outcome && c.Decision.BypassSandbox == before.BypassSandbox {
				t.Fatalf("%q changes nothing: %+v", c.Change, c.Decision)
			}
			if seen[c.Change] {
				t.Fatalf("%q is listed twice", c.Change)
			}
			seen[c.Change] = true
		}
		if d := cmp.Diff(before, Decide(f)); d != "" {
			t.Fatal("asking changed the facts", d)
		}
	})
}

func TestChangesNameWhatToDo(t *testing.T) {
	f := Facts{Action: ActionExec, Approval: never, Sandbox: WorkspaceWrite, Headless: true, Parts: []Part{
		{Argv: []string{"git", "push"}, Class: Ordinary, Matches: []RuleMatch{{Prefix: []string{"git", "push"}, Decision: Prompt, File: "t.rules", Line: 3}}},
		{Argv: []string{"make"}, Class: Ordinary},
	}}
	got := map[string]Outcome{}
	for _, c := range Changes(f) {
		got[c.Change] = c.Decision.Outcome
	}
	want := map[string]Outcome{"without prefix_rule git push (t.rules:3)": Allow, "a person to ask under approval policy on-request": Prompt}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
