package hook

import (
	"encoding/json"
	"strings"
)

// Bounds of what answers add, in bytes.
const (
	maxReason         = 8 << 10
	defaultContext    = 2500 // tokens
	bytesPerToken     = 4
	failedReason      = "a hook that must be asked gave no answer"
	separatorOfReason = "\n\n"
)

// Verdict is what all hooks of an event said together.
type Verdict struct {
	// Deny and Allow as in Answer; a single Deny outweighs every Allow.
	Deny, Allow bool
	Reason      string
	Input       json.RawMessage
	Contexts    []string
	Halt        bool
	// Managed: a hook of the administrator approves.
	Managed bool
	// By is the run whose word counts: the first that objects, else the last that replaces the input, else the first that
	// approves; -1 for none.
	By int
}

// Combine makes one verdict of the runs of an event, in the order of their definitions. Open lets a hook that failed be as if it
// had no opinion; otherwise one of a gating event objects.
func Combine(event Event, runs []Run, open bool) Verdict {
	v := Verdict{By: -1}
	var reasons []string
	for i, r := range runs {
		a := r.Answer
		if r.Skipped != "" || r.Async {
			continue
		}
		if a.Failure != "" && event.Gates() && !open {
			a = Answer{Deny: true, Reason: failedReason + ": " + r.Key + ": " + a.Failure}
		}
		if a.Failure != "" {
			continue
		}
		if a.Context != "" && !a.Deny {
			v.Contexts = append(v.Contexts, cut(a.Context, r.context()))
		}
		switch {
		case a.Deny:
			if !v.Deny {
				v.By = i
			}
			v.Deny = true
			reasons = append(reasons, a.Reason)
		case v.Deny:
		case a.Input != nil:
			v.Input, v.By = a.Input, i
		case a.Allow:
			if !v.Allow && v.By < 0 {
				v.By = i
			}
			v.Allow, v.Managed = true, v.Managed || r.Trust == Managed
		}
		if a.Halt && !v.Halt {
			v.Halt, v.By, v.Reason = true, i, a.Reason
		}
	}
	if v.Deny {
		v.Allow, v.Managed, v.Input = false, false, nil
		if event != PostToolUse { // there every hook may say what stands in place of the output
			reasons = reasons[:1]
		}
		v.Reason = strings.Join(reasons, separatorOfReason)
	}
	v.Reason = cut(v.Reason, maxReason)
	return v
}

// context is how much a hook may add, in bytes.
func (d Definition) context() int {
	if d.Context > 0 {
		return d.Context * bytesPerToken
	}
	return defaultContext * bytesPerToken
}

// cut shortens a text to n bytes and says so.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "\n[cut: a hook may say no more here]"
}
