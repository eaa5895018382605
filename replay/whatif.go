package replay

import (
	"encoding/json"
	"errors"
	"fmt"

	"proctor/event"
	"proctor/policy"
)

// Past is what a recorded session says about what decided in it, as JSON texts; empty where it does not say.
type Past struct {
	Session string
	// Launch, Request and Plan are those of event.ConfigResolvedPayload and event.PolicyLoadedPayload.
	Launch, Request, Plan string
	// Digest is that of the recorded policy.
	Digest string
}

// Authority makes the facts of a recorded action as another configuration sees them; was are the recorded ones, of which it
// keeps what no configuration decides. An error says why they cannot be made: the decision is then unknown.
type Authority func(a event.Action, was policy.Facts) (policy.Facts, error)

// Verdict is one answer of a policy.
type Verdict struct {
	Outcome policy.Outcome `json:"outcome"` // allow, prompt, forbid
	Reason  string         `json:"reason"`
	Rule    string         `json:"rule,omitempty"` // with file and line where it has one
	// Unconfined: an allowed action leaves the sandbox, or a prompt would let it.
	Unconfined bool `json:"outside_sandbox,omitempty"`
}

// Redecided is one recorded decision that another configuration would not have made, or that cannot be made again.
type Redecided struct {
	Event   event.ID  `json:"event"`
	Seq     event.Seq `json:"seq"`
	Session string    `json:"session"`
	Call    string    `json:"call"`
	Tool    string    `json:"tool"`
	Asked   string    `json:"asked"` // in one line, cut
	Was     Verdict   `json:"was"`
	Now     Verdict   `json:"now,omitzero"`
	// Unknown is why there is no new verdict; empty for a flip.
	Unknown string `json:"unknown,omitempty"`
}

// WhatIfSummary counts what a WhatIf saw.
type WhatIfSummary struct {
	Sessions  int            `json:"sessions"`
	Decisions int            `json:"decisions"`
	Flips     int            `json:"flips"`
	Unknown   int            `json:"unknown"`
	Flipped   map[string]int `json:"flipped,omitempty"`         // by direction, "allow to forbid"
	Reasons   map[string]int `json:"unknown_reasons,omitempty"` // why unknown
}

// WhatIf decides recorded decisions again. Add entries in ledger order; it keeps a few texts for each session that is not
// closed, and nothing of what it has counted. It is for one goroutine.
type WhatIf struct {
	authorities func(Past) (Authority, error)
	found       func(Redecided)
	pasts       map[string]*past
	summary     WhatIfSummary
}

type past struct {
	Past
	made      bool
	authority Authority
	err       error
	seen      bool // it had a decision
}

// NewWhatIf asks authorities for that of each session, once the session says what decided in it and once more when it
// says so again. Found gets flips and unknowns in order.
func NewWhatIf(authorities func(Past) (Authority, error), found func(Redecided)) *WhatIf {
	return &WhatIf{authorities: authorities, found: found, pasts: map[string]*past{},
		summary: WhatIfSummary{Flipped: map[string]int{}, Reasons: map[string]int{}}}
}

// Summary is what was counted so far.
func (w *WhatIf) Summary() WhatIfSummary { return w.summary }

// Add takes one more entry.
func (w *WhatIf) Add(e event.Entry) {
	if e.Event == nil {
		return
	}
	switch p := e.Event.Payload.(type) {
	case *event.ConfigResolvedPayload:
		at := w.past(e.Session)
		at.made = false
		at.Launch, _ = p.Launch.Reveal()
	case *event.PolicyLoadedPayload:
		at := w.past(e.Session)
		at.made, at.Digest = false, p.Digest
		at.Request, _ = p.Request.Reveal()
		at.Plan, _ = p.Plan.Reveal()
	case *event.SessionClosedPayload:
		delete(w.pasts, e.Session)
	case *event.ToolDecisionPayload:
		if p.Agent != "" { // a reviewer looked around: under terms of its own, which no configuration changes
			return
		}
		at := w.past(e.Session)
		if !at.seen {
			at.seen = true
			w.summary.Sessions++
		}
		w.decision(e, at, p)
	}
}

func (w *WhatIf) past(session string) *past {
	at := w.pasts[session]
	if at == nil {
		at = &past{Past: Past{Session: session}}
		w.pasts[session] = at
	}
	return at
}

func (w *WhatIf) decision(e event.Entry, at *past, p *event.ToolDecisionPayload) {
	w.summary.Decisions++
	r, action, same := w.redecide(at, p)
	if same {
		return
	}
	if r.Unknown == "" && e.Event.Masked.In("facts", "action") {
		r.Unknown, r.Now = errMasked.Error(), Verdict{}
	}
	r.Event, r.Seq, r.Session, r.Call, r.Tool = e.ID, e.Seq, e.Session, e.Event.Call, p.ToolName
	r.Asked = clip(askedFor(action, p.ToolName), maxAsked)
	if r.Unknown != "" {
		w.summary.Unknown++
		w.summary.Reasons[r.Unknown]++
	} else {
		w.summary.Flips++
		w.summary.Flipped[string(r.Was.Outcome)+" to "+string(r.Now.Outcome)]++
	}
	w.found(r)
}

const maxAsked = 200

// Why a decision cannot be made again.
var (
	errMasked    = errors.New("a secret was masked in its facts, and the word that stands there now may decide otherwise")
	errErased    = errors.New("its content was erased")
	errUnread    = errors.New("its facts cannot be read")
	errNotJudged = errors.New("the call was refused before policy saw it, for what configuration may decide")
	errOther     = errors.New("this version decides otherwise from the same facts")
)

// redecide answers with same, or with what became of the decision.
func (w *WhatIf) redecide(at *past, p *event.ToolDecisionPayload) (r Redecided, action event.Action, same bool) {
	r.Was = Verdict{Outcome: policy.Outcome(p.Outcome), Reason: p.Reason, Rule: p.Rule}
	facts, action, err := recorded(p)
	if err != nil {
		r.Unknown = err.Error()
		return r, action, false
	}
	if facts.Action == "" { // never became an action
		if reason := policy.Reason(p.Reason); reason == policy.ReasonBadArguments || reason == policy.ReasonInterrupted {
			return r, action, true // no configuration decides these
		}
		r.Unknown = errNotJudged.Error()
		return r, action, false
	}
	was := policy.Decide(facts)
	r.Was = verdict(was)
	if !agrees(p, was) {
		r.Was = Verdict{Outcome: policy.Outcome(p.Outcome), Reason: p.Reason, Rule: p.Rule}
		r.Unknown = errOther.Error()
		return r, action, false
	}
	if !at.made {
		at.made = true
		at.authority, at.err = w.authorities(at.Past)
	}
	err = at.err
	if err == nil {
		facts, err = at.authority(action, facts)
	}
	if err != nil {
		r.Unknown = err.Error()
		return r, action, false
	}
	r.Now = verdict(policy.Decide(facts))
	return r, action, r.Was.Outcome == r.Now.Outcome && r.Was.Unconfined == r.Now.Unconfined
}

func verdict(d policy.Decision) Verdict {
	return Verdict{Outcome: d.Outcome, Reason: string(d.Reason), Rule: d.Rule, Unconfined: d.BypassSandbox}
}

// agrees reports whether a recorded decision is what d would have led to. After a review only the prompt is policy's.
func agrees(p *event.ToolDecisionPayload, d policy.Decision) bool {
	if by := policy.Source(p.DecidedBy); by == policy.SourceUser || by == policy.SourceAutoReview {
		return d.Outcome == policy.Prompt
	}
	return string(d.Outcome) == p.Outcome
}

func recorded(p *event.ToolDecisionPayload) (f policy.Facts, a event.Action, err error) {
	facts, ok := p.Facts.Reveal()
	action, kept := p.Action.Reveal()
	if !ok || !kept {
		return f, a, errErased
	}
	if json.Unmarshal([]byte(facts), &f) != nil || json.Unmarshal([]byte(action), &a) != nil {
		return f, a, errUnread
	}
	return f, a, nil
}

func askedFor(a event.Action, tool string) string {
	switch {
	case len(a.Argv) > 0:
		return event.CommandLine(a.Argv)
	case len(a.Files) > 0:
		return fmt.Sprintf("%s %s", tool, event.CommandLine(a.Files))
	}
	return fmt.Sprintf("%s %s%s", tool, a.Arguments, a.Input)
}
