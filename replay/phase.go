package replay

import (
	"fmt"
	"strings"

	"proctor/event"
)

// A row is how one entry is told: by what word, in which words, with what result. The phases of the environment, and changes of
// the rules on the way, are told alike in a call, between calls and in single lines.
type row struct {
	label, text, result string
	tone                Tone
}

func (r row) String() string { return join("  → ", r.text, r.result) }

// rowOf is false for payloads that others tell.
func rowOf(p event.Payload) (row, bool) {
	switch p := p.(type) {
	case *event.PhaseStartedPayload:
		return row{"phase", p.Phase + " begins", phaseStart(p), Plain}, true
	case *event.PhaseEndedPayload:
		return row{"phase", p.Phase + " ends", phaseEnd(p), phaseTone(p)}, true
	case *event.SecretLeftBehindPayload:
		return row{"secret", fmt.Sprintf("%s is in the %s of %s", p.Secret, p.Place, p.Path), prefixed("action ", p.Action), Bad}, true
	case *event.PolicyAmendedPayload:
		tone := Plain
		if p.Status == event.AmendmentFailed {
			tone = Bad
		}
		return row{"amendment", join(", ", strings.ReplaceAll(p.Status, "_", " "), p.Rule, prefixed("policy ", short(p.Policy))), p.Error, tone}, true
	case *event.ErasurePayload:
		return row{"erasure", fmt.Sprintf("content of session %s, %s: %s", p.Erased, count(int64(p.Entries), "entry"), p.Reason), prefixed("by ", p.By), Warn}, true
	case *event.KeyRotatedPayload:
		return row{"key", join(": ", "checkpoints are signed with "+p.New+" instead of "+p.Old, p.Reason), prefixed("by ", p.By), Warn}, true
	case *event.HoldPlacedPayload:
		return row{"hold", join(": ", "session "+p.Held+" is kept", p.Reason), prefixed("by ", p.By), Warn}, true
	case *event.HoldReleasedPayload:
		return row{"hold", join(": ", "session "+p.Held+" need not be kept", p.Reason), prefixed("by ", p.By), Warn}, true
	}
	if r, ok := executorRow(p); ok {
		return r, true
	}
	return peopleRow(p)
}

func phaseStart(p *event.PhaseStartedPayload) string {
	commands := ""
	if p.Commands > 0 {
		commands = count(int64(p.Commands), "command")
	}
	return join(", ", prefixed("network ", p.Network), prefixed("secrets ", strings.Join(p.Secrets, " ")), commands, prefixed("from ", p.Source),
		prefixed("policy ", short(p.Digest)))
}

func phaseEnd(p *event.PhaseEndedPayload) string {
	searched := ""
	if p.Scanned > 0 || p.Whole {
		searched = count(p.Scanned, "file") + " searched for secrets"
	}
	if p.Scanned > 0 && !p.Whole {
		searched += ", not all"
	}
	return join(", ", p.Status, took(p.Duration), p.Reason, searched)
}

func phaseTone(p *event.PhaseEndedPayload) Tone {
	if p.Status == "cached" {
		return Good
	}
	return statusTone(p.Status)
}
