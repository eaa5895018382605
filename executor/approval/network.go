package approval

import (
	"context"

	"proctor/event"
	"proctor/policy"
	"proctor/policy/execrules"
)

// Miss is a destination that no rule allows, asked for by a running command.
type Miss struct {
	Turn, Call string
	Cause      event.ID // the start of the command
	// Command is what runs; Facts are what the egress policy said.
	Command event.Action
	Facts   policy.Network
}

// NetworkAnswer is what becomes of a miss.
type NetworkAnswer struct {
	Allowed bool
	// Session: it counts for the session. Rules changed is told by Options.Amend.
	Session bool
	// Asked: somebody was asked; otherwise Reason is why nobody could be.
	Asked  bool
	Reason policy.Reason
}

// AsksAboutNetwork reports whether anybody may be asked about a miss.
func (g *Gate) AsksAboutNetwork() bool {
	f := Facts(g.Authority(), Request{Action: event.Action{Kind: event.ActionNetwork}, Network: &policy.Network{
		Enabled: true, Outcome: policy.Forbid, Reason: policy.ReasonNotAllowed, Askable: true,
	}})
	return policy.Decide(f).Outcome == policy.Prompt
}

// networkTool names requests about destinations, which no tool makes.
const networkTool = "network"

// Network decides about a miss: by a network rule, by an earlier approval, or by the reviewer, who is told the host and the
// command that wants it. A miss is the one refusal of the egress policy that can be lifted. An error means that the record is
// lost: then the destination is refused.
func (g *Gate) Network(ctx context.Context, m Miss) (NetworkAnswer, error) {
	a := event.Action{
		Kind: event.ActionNetwork, Tool: networkTool, Host: m.Facts.Host, Port: int(m.Facts.Port), Protocol: m.Facts.Protocol,
		Argv: m.Command.Argv, Cwd: m.Command.Cwd,
	}
	facts := m.Facts
	facts.RuleDecision = g.Authority().Rules.Network(facts.Host, facts.Protocol).Decision
	r := Request{Turn: m.Turn, CallID: m.Call, Tool: networkTool, Cause: m.Cause, Action: a, Network: &facts}
	c := g.consider(r)
	d := policy.Decide(c.facts)
	if d.Outcome != policy.Prompt {
		return NetworkAnswer{Allowed: d.Outcome == policy.Allow, Session: d.Source == policy.SourceSession, Reason: d.Reason}, nil
	}
	var offer event.Amendment
	if _, err := execrules.AmendNetwork(facts.Host, facts.Protocol, policy.Allow); err == nil && !d.OneShot && d.Source == policy.SourceConfig {
		offer = event.Amendment{Host: facts.Host, Protocol: facts.Protocol}
	}
	answer, request, err := g.ask(ctx, r, d, offer)
	if err != nil {
		return NetworkAnswer{}, err
	}
	out := NetworkAnswer{Asked: true, Reason: policy.Reason(answer.Reason), Allowed: answer.Status == event.Approved && answer.Digest == request.Digest}
	switch {
	case !out.Allowed:
	case answer.Scope == event.ScopeAmendment:
		out.Session = true
		if err := g.amend(ctx, r, request); err != nil {
			return NetworkAnswer{}, err
		}
	case answer.Scope == event.ScopeSession:
		out.Session = true
	}
	return out, nil
}

// Line is the rule that an amendment adds.
func Line(a event.Amendment) (string, error) {
	if a.Host != "" {
		return execrules.AmendNetwork(a.Host, a.Protocol, policy.Allow)
	}
	return execrules.Amend(a.Prefix)
}
