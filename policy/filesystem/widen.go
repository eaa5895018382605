package filesystem

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"proctor/event"
)

// ErrBeyond means that a permission may not be given on top of a plan, whoever approves it; the text says which and why.
var ErrBeyond = errors.New("may not be granted")

// Limits are what managed requirements exclude from every grant.
type Limits struct {
	// NoWrite: no sandbox mode with writable roots is allowed. NoNetwork: commands never have the network.
	NoWrite, NoNetwork bool
}

// Refuse reports what of p the limits exclude.
func (l Limits) Refuse(p event.Permissions) error {
	var errs []error
	if l.NoNetwork && p.Network {
		errs = append(errs, fmt.Errorf("network access %w: the administrator keeps commands off the network", ErrBeyond))
	}
	if l.NoWrite && len(p.Write) > 0 {
		errs = append(errs, fmt.Errorf("writing to %s %w: the administrator's requirements allow only read-only", p.Write[0], ErrBeyond))
	}
	return errors.Join(errs...)
}

// Widening is what stands at the paths of a grant and around them.
type Widening struct {
	Permissions event.Permissions
	// Roots are facts, protected names included, about the writable roots of the plan and about every path of Permissions.Write.
	Roots []PlaceFacts
	// Found are protected names below the top of roots.
	Found []Found
	// ReadOnly stays read-only inside new roots: the folders that govern later runs.
	ReadOnly []string
}

// Widen is p with more rights. What p hides stays hidden and what it protects stays protected: a path in there, a path with a
// protected name in it and a missing one are ErrBeyond, and so is the root of the file system. New roots have protected names
// of their own. A network that a proxy filters stays so. A plan without a sandbox is returned as it is.
func (p Plan) Widen(w Widening) (Plan, error) {
	if p.Unconfined {
		return p, nil
	}
	var errs []error
	for _, at := range w.Permissions.Read {
		if v := p.CheckRead(at); v.Reason == ReasonDeniedRead || v.Reason == ReasonInvalidPath {
			errs = append(errs, fmt.Errorf("reading %s %w (%s)", at, ErrBeyond, v.Reason))
		}
	}
	for _, at := range w.Permissions.Write {
		errs = append(errs, p.mayOpen(at, w))
	}
	if err := errors.Join(errs...); err != nil {
		return Plan{}, err
	}
	out := p
	if w.Permissions.Network && p.Network == NetworkOff {
		out.Network = NetworkOn
	}
	if !p.ReadAll {
		fresh := slices.DeleteFunc(slices.Clone(w.Permissions.Read), func(at string) bool { return p.CheckRead(at).Allowed })
		out.Readable = sorted(slices.Concat(p.Readable, fresh))
	}
	if len(w.Permissions.Write) > 0 {
		if err := out.open(w); err != nil {
			return Plan{}, err
		}
	}
	return out, out.Validate()
}

// mayOpen says why a path may not become a writable root.
func (p Plan) mayOpen(at string, w Widening) error {
	fact, known := placeFacts(w.Roots, at)
	governed := slices.ContainsFunc(slices.Concat(w.ReadOnly, p.ReadOnly), func(ro string) bool { return Within(at, ro) })
	switch v := p.CheckWrite(at); {
	case v.Reason == ReasonInvalidPath, v.Reason == ReasonDeniedRead, v.Reason == ReasonProtectedPath:
		return fmt.Errorf("writing to %s %w (%s)", at, ErrBeyond, v.Reason)
	case p.CheckRead(at).Reason == ReasonDeniedRead:
		return fmt.Errorf("writing to %s %w (%s)", at, ErrBeyond, ReasonDeniedRead)
	case governed:
		return fmt.Errorf("writing to %s %w: it decides about later runs", at, ErrBeyond)
	case at == "/":
		return fmt.Errorf("writing to the whole file system %w: name the folders", ErrBeyond)
	case slices.ContainsFunc(strings.Split(at, "/"), func(name string) bool { return slices.Contains(ProtectedNames(), name) }):
		return fmt.Errorf("writing to %s %w (%s)", at, ErrBeyond, ReasonProtectedPath)
	case !known || fact.Path != at || fact.Kind != Dir && fact.Kind != File:
		return fmt.Errorf("writing to %s %w: there is no such folder or file", at, ErrBeyond)
	}
	return nil
}

// open adds the writable roots. Roots that were there get the guards that new roots would make writable.
func (p *Plan) open(w Widening) error {
	if p.Mode == ReadOnly {
		p.Mode = WorkspaceWrite
	}
	p.ReadOnly = sorted(slices.Concat(p.ReadOnly, w.ReadOnly))
	var all []PlaceFacts
	for _, r := range p.Writable {
		fact, known := placeFacts(w.Roots, r.Path)
		if !known {
			return fmt.Errorf("%w: no facts about writable root %q", ErrInvalidRequest, r.Path)
		}
		all = append(all, fact)
	}
	have := len(all)
	for _, at := range w.Permissions.Write {
		if fact, _ := placeFacts(w.Roots, at); !slices.ContainsFunc(all, func(f PlaceFacts) bool { return f.Path == at }) {
			all = append(all, fact)
		}
	}
	roots := slices.Clone(p.Writable)
	for i, fact := range all {
		root := Root{Path: fact.Path, Kind: fact.Kind}
		if i < have {
			root = roots[i]
		}
		if fact.Kind == Dir {
			writable := func(at string) bool {
				return slices.ContainsFunc(all, func(f PlaceFacts) bool { return Within(at, f.Path) })
			}
			ruled := func(at string) bool {
				return slices.ContainsFunc(p.Writable, func(r Root) bool { return r.Path == at })
			}
			var more []Protected
			for _, e := range fact.Entries {
				more = append(more, keep(e, false, writable, ruled)...)
			}
			if len(fact.Entries) < len(ProtectedNames()) && fact.Path != "/" {
				return fmt.Errorf("%w: no facts about the protected names in %q", ErrInvalidRequest, fact.Path)
			}
			for _, e := range w.Found {
				if Within(e.Path, fact.Path) {
					more = append(more, keep(e, true, writable, ruled)...)
				}
			}
			root.Protected = slices.Clone(root.Protected)
			for _, q := range more {
				if !slices.ContainsFunc(root.Protected, func(o Protected) bool { return o.Path == q.Path }) {
					root.Protected = append(root.Protected, q)
				}
			}
			slices.SortFunc(root.Protected, func(a, b Protected) int { return byDepth(a.Path, b.Path) })
		}
		if i < have {
			roots[i] = root
		} else {
			roots = append(roots, root)
		}
	}
	slices.SortStableFunc(roots, func(a, b Root) int { return byDepth(a.Path, b.Path) })
	p.Writable = roots
	return nil
}

// placeFacts finds what is known of a path that was asked for, or of a root by where it really is.
func placeFacts(all []PlaceFacts, at string) (PlaceFacts, bool) {
	i := slices.IndexFunc(all, func(f PlaceFacts) bool { return path.Clean(f.Asked) == at || f.Path == at })
	if i < 0 {
		return PlaceFacts{}, false
	}
	return all[i], true
}
