package replay

import (
	"encoding/json"
	"fmt"
	"slices"

	"proctor/event"
	"proctor/policy"
	"proctor/policy/command"
)

// Why is a decision with all it was made from, and what would have changed it. Its JSON is stable.
type Why struct {
	Action  policy.Action `json:"action"`
	Command []string      `json:"command,omitempty"` // as it was asked for
	Split   bool          `json:"split,omitempty"`   // taken apart: the parts are commands of a plain script
	// Parts are judged one by one; Inner are commands seen inside parts that stayed whole, those that a rule names.
	Parts    []WhyPart       `json:"parts,omitempty"`
	Inner    []WhyPart       `json:"inner,omitempty"`
	Decision policy.Decision `json:"decision"`
	// Settings are the ones that decided, with the place where each was written.
	Settings []WhySetting    `json:"settings"`
	Changes  []policy.Change `json:"changes"`
	// Recorded is about a decision of the ledger.
	Recorded *WhyRecorded `json:"recorded,omitempty"`
	Facts    policy.Facts `json:"facts"`
}

// WhyPart is one command of a call.
type WhyPart struct {
	Argv      []string           `json:"argv"`
	Class     policy.Class       `json:"class"`     // documented
	Effective policy.Class       `json:"effective"` // raised by the findings
	Findings  []WhyFinding       `json:"findings,omitempty"`
	Rules     []policy.RuleMatch `json:"rules,omitempty"`
	// Outcome and Reason are what this part alone would get.
	Outcome policy.Outcome `json:"outcome"`
	Reason  policy.Reason  `json:"reason"`
}

// WhyFinding is a finding in words.
type WhyFinding struct {
	Code    string       `json:"code"`
	Class   policy.Class `json:"class"`
	Meaning string       `json:"meaning"`
}

// WhySetting is a setting as it was in effect.
type WhySetting struct {
	Key    string `json:"key"`
	Value  any    `json:"value"`
	Layer  string `json:"layer,omitempty"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	// By is the requirement, or the command, that settled the value whatever the layer says.
	By string `json:"settled_by,omitempty"`
}

// WhyRecorded compares a decision made again with what the ledger says.
type WhyRecorded struct {
	Event   event.ID  `json:"event"`
	Seq     event.Seq `json:"seq"`
	Session string    `json:"session"`
	Turn    string    `json:"turn,omitempty"`
	Call    string    `json:"call"`
	Tool    string    `json:"tool"`
	Outcome string    `json:"outcome"`
	Reason  string    `json:"reason"`
	Rule    string    `json:"rule,omitempty"`
	By      string    `json:"decided_by,omitempty"`
	// Approval answered the prompt that the policy gave.
	Approval string `json:"approval_id,omitempty"`
	Policy   string `json:"policy_digest"`
	// Reproduced: the recorded facts give the recorded decision again.
	Reproduced bool `json:"reproduced"`
}

// settingsOf name what decides beside rules and classes.
var settingsOf = []string{"approval_policy", "sandbox_mode", "approvals_reviewer"}

// WhySettings are the keys of the settings that decide.
func WhySettings() []string { return slices.Clone(settingsOf) }

// Decided explains what policy says of facts.
func Decided(f policy.Facts, asked []string, settings []WhySetting) Why {
	w := Why{Action: f.Action, Command: asked, Decision: policy.Decide(f), Settings: settings, Changes: policy.Changes(f), Facts: f}
	if w.Settings == nil {
		w.Settings = []WhySetting{}
	}
	w.Split = len(f.Parts) > 1 || len(f.Parts) == 1 && len(asked) > 0 && !slices.Equal(f.Parts[0].Argv, asked)
	for _, p := range f.Parts {
		w.Parts = append(w.Parts, whyPart(f, p))
	}
	for _, p := range f.Inner {
		if len(p.Matches) > 0 {
			w.Inner = append(w.Inner, whyPart(f, p))
		}
	}
	return w
}

func whyPart(f policy.Facts, p policy.Part) WhyPart {
	f.Parts, f.Inner = []policy.Part{p}, nil
	d := policy.Decide(f)
	out := WhyPart{Argv: p.Argv, Class: p.Class, Effective: p.Effective(), Rules: p.Matches, Outcome: d.Outcome, Reason: d.Reason}
	for _, x := range p.Findings {
		out.Findings = append(out.Findings, WhyFinding{x.Code, x.Class, command.Describe(x.Code)})
	}
	return out
}

// DecidedAgain explains a recorded decision among the entries of its session, from the facts in its event.
func DecidedAgain(entries []event.Entry, e event.Entry) (Why, error) {
	var p *event.ToolDecisionPayload
	if e.Event != nil {
		p, _ = e.Event.Payload.(*event.ToolDecisionPayload)
	}
	if p == nil {
		return Why{}, fmt.Errorf("explain event %s: it is %s, not a decision", e.ID, e.Kind)
	}
	f, action, err := recorded(p)
	if err != nil {
		return Why{}, fmt.Errorf("explain event %s: %w", e.ID, err)
	}
	w := Decided(f, action.Argv, recordedSettings(entries, e.Seq))
	w.Recorded = &WhyRecorded{Event: e.ID, Seq: e.Seq, Session: e.Session, Turn: e.Event.Turn, Call: e.Event.Call, Tool: p.ToolName,
		Outcome: p.Outcome, Reason: p.Reason, Rule: p.Rule, By: p.DecidedBy, Approval: p.Approval, Policy: p.Policy}
	if f.Action == "" { // the call never became an action; the tool, and no policy, refused it
		w.Decision = policy.Decision{Outcome: policy.Forbid, Source: policy.Source(p.DecidedBy), Reason: policy.Reason(p.Reason), Text: reveal(p.Message)}
		w.Changes = []policy.Change{}
	}
	w.Recorded.Reproduced = agrees(p, w.Decision) && (w.Decision.Outcome == policy.Prompt || p.Reason == string(w.Decision.Reason))
	return w, nil
}

// recordedSettings are those of the last config_resolved event before the decision.
func recordedSettings(entries []event.Entry, before event.Seq) []WhySetting {
	var text string
	for _, e := range entries {
		if e.Event == nil || e.Seq >= before {
			continue
		}
		if p, ok := e.Event.Payload.(*event.ConfigResolvedPayload); ok {
			text, _ = p.Settings.Reveal()
		}
	}
	var all []struct {
		WhySetting
		Origin     WhySetting `json:"origin"`
		Constraint *struct {
			Rule string `json:"rule"`
		} `json:"constraint"`
	}
	if json.Unmarshal([]byte(text), &all) != nil {
		return nil
	}
	var out []WhySetting
	for _, s := range all {
		if !slices.Contains(settingsOf, s.Key) {
			continue
		}
		one := WhySetting{Key: s.Key, Value: s.Value, Layer: s.Origin.Layer, File: s.Origin.File, Line: s.Origin.Line, Column: s.Origin.Column}
		if s.Constraint != nil {
			one.By = s.Constraint.Rule
		}
		out = append(out, one)
	}
	return out
}
