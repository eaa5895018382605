package replay

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"proctor/event"
)

// Explanation tells why one call was allowed or refused, from its events.
type Explanation struct {
	Session string `json:"session"`
	Turn    string `json:"turn,omitempty"`
	Call    string `json:"call"`
	Tool    string `json:"tool"`
	Asked   string `json:"asked"`
	// Verdict is allowed, refused or undecided.
	Verdict string `json:"verdict"`
	// Steps are what led there, in order; each names its entry.
	Steps []Step `json:"steps"`
	// Digests are the different action digests that the events name; more than one is a defect, and Sound is false.
	Digests []event.Hash `json:"action_digests"`
	// Sound: what ran or was refused is what was decided, by a recorded decision that came before.
	Sound    bool     `json:"sound"`
	Problems []string `json:"problems,omitempty"`

	decisions []event.ID // of the tool_decision events so far
}

// Step is one fact on the way to a verdict.
type Step struct {
	Seq  event.Seq  `json:"seq"`
	Kind event.Kind `json:"kind"`
	Text string     `json:"text"`
	Tone Tone       `json:"-"`
}

// Explain collects the events of a call among the entries of one session. No event of that call is an error.
func Explain(entries []event.Entry, callID string) (Explanation, error) {
	x := Explanation{Call: callID, Verdict: "undecided", Sound: true}
	for _, e := range entries {
		if e.Event == nil || e.Event.Call != callID || callID == "" {
			continue
		}
		x.Session, x.Turn = e.Session, e.Event.Turn
		switch p := e.Event.Payload.(type) {
		case *event.ToolDecisionPayload:
			x.decision(e, p)
		case *event.ApprovalRequestedPayload:
			x.ask(p.ToolName, reveal(p.Action))
			x.digest(p.Digest)
			x.step(e, join(", ", "approval was asked of "+p.Reviewer+", because "+p.Reason, prefixed("rule ", p.Rule)), Plain)
		case *event.ReviewStartedPayload:
			x.step(e, "taken up by "+p.Reviewer, Dim)
		case *event.ApprovalDecidedPayload:
			x.digest(p.Digest)
			text, tone := approvalText(p)
			x.step(e, join(" — ", text, reveal(p.Rationale)), tone)
		case *event.ExecStartedPayload:
			x.digest(p.Digest)
			x.start(e, p)
		case *event.SandboxDenialPayload:
			x.step(e, "confinement refused: "+denialText(p), Bad)
		case *event.NetworkPolicyDecisionPayload:
			text, tone := networkText(p)
			x.step(e, "network: "+text, tone)
		case *event.ToolResultPayload:
			c := call{}
			c.end(p)
			x.step(e, "ended: "+c.result, c.tone)
		}
	}
	if x.Session == "" {
		return x, fmt.Errorf("explain call %q: no event of it among %d entries; list the calls with replay", callID, len(entries))
	}
	if len(x.Digests) > 1 {
		x.problem("its events name different actions: " + fmt.Sprint(x.Digests))
	}
	return x, nil
}

func (x *Explanation) step(e event.Entry, text string, tone Tone) {
	x.Steps = append(x.Steps, Step{e.Seq, e.Kind, text, tone})
}

func (x *Explanation) ask(tool, action string) {
	if x.Asked == "" {
		x.Tool = tool
		x.Asked, _ = actionText(action)
	}
}

func (x *Explanation) digest(h event.Hash) {
	if h != (event.Hash{}) && !slices.Contains(x.Digests, h) {
		x.Digests = append(x.Digests, h)
	}
}

func (x *Explanation) decision(e event.Entry, p *event.ToolDecisionPayload) {
	x.ask(p.ToolName, reveal(p.Action))
	x.digest(p.Digest)
	x.decisions = append(x.decisions, e.ID)
	x.Verdict = "refused"
	if p.Outcome == "allow" {
		x.Verdict = "allowed"
	}
	text, tone := decisionText(p)
	x.step(e, text, tone)
	if facts := reveal(p.Facts); facts != "" {
		x.step(e, "from these facts: "+facts, Dim)
	}
	if message := reveal(p.Message); message != "" {
		x.step(e, "the model was told: "+message, Dim)
	}
}

func (x *Explanation) start(e event.Entry, p *event.ExecStartedPayload) {
	text, tone := "started in "+join(", ", p.Backend, p.Mode, prefixed("network ", p.Network)), Plain
	if p.Escalated {
		text, tone = "started outside the sandbox", Warn
	}
	x.step(e, text, tone)
	switch {
	case !slices.Contains(x.decisions, p.Decision):
		x.problem("it was started without the decision that its start names being recorded before")
	case x.Verdict != "allowed":
		x.problem("it was started although it was " + x.Verdict)
	}
}

func (x *Explanation) problem(text string) {
	x.Sound = false
	x.Problems = append(x.Problems, text)
}

// WriteExplanation prints an explanation.
func WriteExplanation(w io.Writer, x Explanation, o Options) error {
	p := sheet{options: o, paint: palette(o.Color)}
	tone := map[string]Tone{"allowed": Good, "refused": Bad}[x.Verdict]
	p.line(p.text(Strong, "call "+p.safe(x.Call, 5)) + "  " + p.text(tone, x.Verdict))
	p.line("  " + p.safe(join("  ", x.Tool, x.Asked), 2))
	for _, s := range x.Steps {
		head := fmt.Sprintf("  %6d %-28s ", s.Seq, Escape(string(s.Kind)))
		p.line(p.text(Dim, head) + p.text(s.Tone, p.safe(s.Text, len(head))))
	}
	digests := make([]string, len(x.Digests))
	for i, d := range x.Digests {
		digests[i] = d.String()
	}
	p.line("  " + p.text(Dim, "action digest ") + strings.Join(digests, " "))
	for _, problem := range x.Problems {
		p.line("  " + p.text(Bad, "problem: "+p.safe(problem, 11)))
	}
	if _, err := io.WriteString(w, p.b.String()); err != nil {
		return fmt.Errorf("print explanation of call %s: %w", x.Call, err)
	}
	return nil
}
