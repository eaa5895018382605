package otlp

import (
	"strings"

	"proctor/event"
)

// gate says when events of a kind become log records.
type gate int

const (
	always gate = iota
	never
	withAgentResponses
	withGuardianAssessments
	sseDeltas // unless the event is a delta and deltas are dropped
)

// gates lists every kind that does not always leave. Kinds of the CLI follow its
// settings. Ours all leave but the bulk: output and history are the evidence
// itself and stay in the ledger; the values of settings are withheld by redact.
var gates = map[event.Kind]gate{
	event.AgentResponse:      withAgentResponses,
	event.GuardianAssessment: withGuardianAssessments,
	event.SSEEvent:           sseDeltas,
	event.ExecOutput:         never,
	event.HistoryItem:        never,
}

// logged reports whether an event becomes a log record.
func (o *Options) logged(e *event.Event) bool {
	switch gates[e.Kind] {
	case never:
		return false
	case withAgentResponses:
		return o.LogAgentResponses
	case withGuardianAssessments:
		return o.LogGuardianAssessments
	case sseDeltas:
		p, ok := e.Payload.(*event.SSEEventPayload)
		return !o.DropSSEDeltas || !ok || !strings.HasSuffix(p.EventKind, ".delta")
	default:
		return true
	}
}

// Scope names.
const (
	scopeCodex   = "codex_otel.log_only"
	scopeNetwork = "codex_otel.network_proxy"
	scopeOurs    = "proctor"
	scopeMetrics = "codex"
)

func logScope(k event.Kind) string {
	if k == event.NetworkPolicyDecision {
		return scopeNetwork
	}
	if family, _ := k.Split(); family == "codex" {
		return scopeCodex
	}
	return scopeOurs
}
