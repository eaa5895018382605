package filesystem

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
)

// ErrInvalidRequest means that a request cannot be turned into a plan; the text says which field.
var ErrInvalidRequest = errors.New("invalid sandbox request")

// Resolve makes the plan for r from facts. It fails rather than guess: a candidate
// without facts, a relative root or an unknown mode is an error.
func Resolve(r Request, facts Facts) (Plan, error) {
	p := Plan{Mode: r.Mode, ReadAll: true, Network: NetworkOff}
	switch r.Mode {
	case DangerFullAccess:
		p.Unconfined, p.Network = true, NetworkOn
		if len(r.DeniedReads) > 0 || len(r.ReadOnly) > 0 {
			return Plan{}, fmt.Errorf("%w: danger-full-access cannot honour denied or read-only paths; use workspace-write", ErrInvalidRequest)
		}
		return p, p.Validate()
	case ReadOnly:
	case WorkspaceWrite:
		if r.NetworkAccess {
			p.Network = NetworkOn
		}
	default:
		return Plan{}, fmt.Errorf("%w: unknown sandbox mode %q, expected read-only, workspace-write or danger-full-access", ErrInvalidRequest, r.Mode)
	}
	if err := p.addRoots(Candidates(r), facts); err != nil {
		return Plan{}, err
	}
	p.ReadOnly = sorted(r.ReadOnly)
	p.DeniedReads = slices.Clone(r.DeniedReads)
	slices.SortFunc(p.DeniedReads, func(a, b Denied) int { return byDepth(a.Path, b.Path) })
	return p, p.Validate()
}

func (p *Plan) addRoots(candidates []string, facts Facts) error {
	known := map[string]RootFacts{}
	for _, f := range facts.Roots {
		known[f.Asked] = f
	}
	taken := map[string]bool{}
	var roots []RootFacts
	for _, asked := range candidates {
		f, ok := known[asked]
		switch {
		case !path.IsAbs(asked):
			return fmt.Errorf("%w: writable root %q is not absolute", ErrInvalidRequest, asked)
		case !ok:
			return fmt.Errorf("%w: no facts about writable root %q", ErrInvalidRequest, asked)
		case f.Kind == Missing:
			p.Skipped = append(p.Skipped, asked)
		case f.Kind == Symlink || !canonical(f.Path):
			return fmt.Errorf("%w: writable root %q was not resolved, got %q (%s)", ErrInvalidRequest, asked, f.Path, f.Kind)
		case !taken[f.Path]:
			taken[f.Path] = true
			roots = append(roots, f)
		}
	}
	slices.SortFunc(roots, func(a, b RootFacts) int { return byDepth(a.Path, b.Path) })
	for _, f := range roots {
		root := Root{Path: f.Path, Kind: f.Kind}
		if f.Kind == Dir {
			protected, err := protect(f, roots)
			if err != nil {
				return err
			}
			root.Protected = protected
		}
		p.Writable = append(p.Writable, root)
	}
	return nil
}

// protect lists the protected paths of one root: its own names, and their guards where some root would
// make them writable. Guards outside every root are read-only anyway.
func protect(f RootFacts, roots []RootFacts) ([]Protected, error) {
	var out []Protected
	for _, name := range ProtectedNames() {
		i := slices.IndexFunc(f.Entries, func(e Entry) bool { return e.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("%w: no facts about %q in writable root %q", ErrInvalidRequest, name, f.Path)
		}
		e := f.Entries[i]
		out = append(out, Protected{Path: path.Join(f.Path, name), Kind: e.Kind, Name: name})
		for _, g := range e.Guards {
			if coveredBy(g.Path, roots) {
				out = append(out, Protected{Path: g.Path, Kind: g.Kind, Name: name})
			}
		}
	}
	slices.SortFunc(out, func(a, b Protected) int { return byDepth(a.Path, b.Path) })
	return slices.CompactFunc(out, func(a, b Protected) bool { return a.Path == b.Path }), nil
}

func coveredBy(p string, roots []RootFacts) bool {
	return slices.ContainsFunc(roots, func(r RootFacts) bool { return Within(p, r.Path) })
}

func byDepth(a, b string) int {
	return cmp.Or(cmp.Compare(Depth(a), Depth(b)), cmp.Compare(a, b))
}

func sorted(paths []string) []string {
	out := slices.Clone(paths)
	slices.SortFunc(out, byDepth)
	return slices.Compact(out)
}
