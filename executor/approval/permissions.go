package approval

import (
	"slices"

	"proctor/event"
	"proctor/policy"
	"proctor/policy/filesystem"
)

// Widen makes the plan that gives p on top of the session's. An error says what of p may not be given, whoever approves: what
// managed requirements exclude, hidden or protected paths, paths that do not exist.
type Widen func(p event.Permissions) (filesystem.Plan, error)

// effective is the plan of a turn with the permissions that are held in it, and these permissions. What may no longer
// be given, because the session was resumed under stricter requirements, is left out.
func (g *Gate) effective(turn string) (filesystem.Plan, event.Permissions) {
	g.mu.Lock()
	list := g.standing.permissions(turn)
	g.mu.Unlock()
	var sum event.Permissions
	plan := g.opts.Authority.Plan
	if g.opts.Widen == nil || plan.Unconfined {
		return plan, event.Permissions{}
	}
	for _, h := range list {
		next := union(sum, h.permissions)
		if wider, err := g.opts.Widen(next); err == nil {
			plan, sum = wider, next
		}
	}
	return plan, sum
}

// union gives what either gives.
func union(a, b event.Permissions) event.Permissions {
	return event.Permissions{
		Network: a.Network || b.Network,
		Read:    merged(a.Read, b.Read),
		Write:   merged(a.Write, b.Write),
	}
}

func merged(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}

// holds reports whether have gives everything that want asks for.
func holds(have, want event.Permissions) bool {
	within := func(paths, roots []string) bool {
		for _, p := range paths {
			if !slices.ContainsFunc(roots, func(r string) bool { return filesystem.Within(p, r) }) {
				return false
			}
		}
		return true
	}
	return (have.Network || !want.Network) && within(want.Write, have.Write) && within(want.Read, slices.Concat(have.Read, have.Write))
}

// judge is the fact about permissions that an action asks for, beside those held; nil when it asks for none.
func (g *Gate) judge(a event.Action, have event.Permissions) *policy.Permissions {
	if a.Additional == nil {
		return nil
	}
	p := &policy.Permissions{Held: holds(have, *a.Additional)}
	if p.Held || g.opts.Authority.Plan.Unconfined {
		p.Held = true
		return p
	}
	if g.opts.Widen == nil {
		p.ExceedsManaged, p.Beyond = true, []string{"no further permissions are given in this session"}
	} else if _, err := g.opts.Widen(union(have, *a.Additional)); err != nil {
		p.ExceedsManaged, p.Beyond = true, []string{err.Error()}
	}
	return p
}
