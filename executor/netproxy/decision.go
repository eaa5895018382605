package netproxy

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"proctor/event"
	"proctor/policy"
	"proctor/policy/egress"
)

// Decision is what the proxy decided about one request, and, in OnClose, what became of it.
type Decision struct {
	ID       event.ID // the same in OnDecision and OnClose
	Call     string   // of the inlet
	Outcome  policy.Outcome
	Reason   policy.Reason // stays not_allowed where an approval or the report mode overrode it
	Source   string        // see egress.SourceBaseline and its like
	Rule     string        // the pattern that decided, as written
	Askable  bool          // an approval could override the refusal
	Override bool          // an approval did
	Host     string        // normalised; as sent when it is malformed
	Port     uint16
	Protocol egress.Protocol
	Method   string // empty outside HTTP
	Client   string // address of the client; empty when it has none
	// Repeats: this is, but for id and time, the decision that let out the kept connection which the request is to go over: OnDecision
	// returned for that one without an error, and it was no repetition itself.
	Repeats bool
	// Resolved are the addresses that were judged; one of them is dialled.
	Resolved []netip.Addr

	// The fields below are set in OnClose only.
	Dialled  netip.AddrPort // zero when no address answered
	Via      string         // host of the upstream proxy that was used instead
	Sent     int64          // bytes to the destination, heads included
	Received int64          // bytes from the destination
	Duration time.Duration  // from the decision to the end
	Failure  string         // why it ended; empty when one side closed it in order
}

// repeats reports whether d says the same as the decision that let a connection out, which leads to an address.
func (d Decision) repeats(first *Decision, to netip.Addr) bool {
	return first != nil && d.Outcome == first.Outcome && d.Reason == first.Reason && d.Source == first.Source && d.Rule == first.Rule &&
		d.Override == first.Override && d.Host == first.Host && d.Port == first.Port && d.Protocol == first.Protocol && d.Method == first.Method &&
		slices.Contains(first.Resolved, to)
}

// Payload is the event about a decision. Bytes and duration are zero until the exchange has ended.
func Payload(d Decision) *event.NetworkPolicyDecisionPayload {
	p := &event.NetworkPolicyDecisionPayload{
		Scope: "domain", Decision: "deny", Source: d.Source, Reason: string(d.Reason), Protocol: string(d.Protocol),
		Host: clip(d.Host), Port: int(d.Port), Method: clip(d.Method), Client: d.Client, Execution: d.Call, Override: d.Override, Rule: d.Rule,
		Sent: d.Sent, Received: d.Received, Duration: d.Duration.Milliseconds(),
	}
	if d.Source == egress.SourceMode || d.Source == egress.SourceState || d.Protocol == egress.Unix {
		p.Scope = "non_domain"
	}
	if d.Outcome == policy.Allow {
		p.Decision = "allow"
	}
	if p.Method == "" {
		p.Method = "none"
	}
	if p.Client == "" {
		p.Client = "unknown"
	}
	for _, a := range d.Resolved[:min(len(d.Resolved), maxResolved)] {
		p.Resolved = append(p.Resolved, a.String())
	}
	return p
}

const (
	// maxResolved bounds the addresses named in an event.
	maxResolved = 32
	// maxText bounds host and method in an event, in bytes; a longer host is never allowed.
	maxText = 1024
)

func clip(s string) string {
	if len(s) > maxText {
		s = s[:maxText] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
