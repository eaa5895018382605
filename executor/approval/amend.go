package approval

import (
	"context"
	"encoding/json"
	"slices"

	"proctor/event"
	"proctor/policy"
	"proctor/policy/execrules"
)

// Amend makes an approved amendment last: the rule is in the person's rules, once, when it returns, and the rules that
// decide from now on come back with the digest of everything that decides. On an error nothing may have changed.
type Amend func(ctx context.Context, a event.Amendment) (rules *execrules.Rules, digest string, err error)

// Propose is the rule that an approval of a command may add, and false when none is offered: not for prompts that count once
// (dangerous commands, rule prompts), not for prefixes that would allow nearly everything. The model's own prefix
// counts when no rule matched and it would approve every part; else the first part that needed the prompt is offered whole.
func Propose(f policy.Facts, d policy.Decision, prefix []string) (event.Amendment, bool) {
	if f.Action != policy.ActionExec || d.Outcome != policy.Prompt || d.OneShot || d.Source != policy.SourceConfig {
		return event.Amendment{}, false
	}
	matched := false
	for _, p := range slices.Concat(f.Parts, f.Inner) {
		if p.Effective().Severity() >= policy.Dangerous.Severity() {
			return event.Amendment{}, false
		}
		for _, m := range p.Matches {
			matched = true
			if m.Decision != policy.Allow {
				return event.Amendment{}, false
			}
		}
	}
	if !matched && len(prefix) > 0 && startsAll(f.Parts, prefix) && amendable(prefix) {
		return event.Amendment{Prefix: slices.Clone(prefix)}, true
	}
	for _, p := range f.Parts {
		if len(p.Matches) > 0 || !prompts(f, p) {
			continue
		}
		if !amendable(p.Argv) {
			return event.Amendment{}, false
		}
		return event.Amendment{Prefix: slices.Clone(p.Argv)}, true
	}
	return event.Amendment{}, false
}

// amendable: a rule can be written for the prefix.
func amendable(prefix []string) bool {
	_, err := execrules.Amend(prefix)
	return err == nil
}

func startsAll(parts []policy.Part, prefix []string) bool {
	for _, p := range parts {
		if len(p.Argv) < len(prefix) || !slices.Equal(p.Argv[:len(prefix)], prefix) {
			return false
		}
	}
	return len(parts) > 0
}

// prompts reports whether the part alone would have been asked about.
func prompts(f policy.Facts, p policy.Part) bool {
	f.Parts, f.Inner = []policy.Part{p}, nil
	return policy.Decide(f).Outcome == policy.Prompt
}

// amend carries out the rule that an approval brought. The announcement is committed first; a rule that cannot be written
// leaves the approval of the call as it is, and the record of the failure. An error means that the record is lost.
func (g *Gate) amend(ctx context.Context, r Request, request *event.ApprovalRequestedPayload) error {
	var a event.Amendment
	text, ok := request.Amendment.Reveal()
	if g.opts.Amend == nil || !ok || text == "" || json.Unmarshal([]byte(text), &a) != nil {
		return nil
	}
	line, err := Line(a)
	if err != nil {
		return nil //nolint:nilerr // never offered, see Propose
	}
	told := event.PolicyAmendedPayload{
		ApprovalID: request.ApprovalID, Status: event.AmendmentAnnounced, Rule: bounded(line), Policy: g.Authority().Digest,
	}
	id := event.NewID()
	draft := event.Draft{ID: id, Turn: r.Turn, Call: r.CallID, Cause: r.Cause, Actor: event.Policy, Payload: &told}
	if _, err := g.opts.Stream.RecordAnyway(ctx, draft); err != nil {
		return err
	}
	rules, digest, err := g.opts.Amend(ctx, a)
	after := told
	if err != nil {
		after.Status, after.Error = event.AmendmentFailed, bounded(err.Error())
	} else {
		g.mu.Lock()
		g.opts.Authority.Rules, g.opts.Authority.Digest = rules, digest
		g.mu.Unlock()
		after.Status, after.Policy = event.AmendmentInForce, digest
	}
	_, err = g.opts.Stream.RecordAnyway(ctx, event.Draft{Turn: r.Turn, Call: r.CallID, Cause: id, Actor: event.Policy, Payload: &after})
	return err
}
