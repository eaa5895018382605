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

// Resolve makes the plan for r from facts. It fails rather than guess: a rule without facts, a relative path or an
// unknown mode is an error.
func Resolve(r Request, facts Facts) (Plan, error) {
	p := Plan{Mode: r.Mode, Network: NetworkOff, Skipped: slices.Clone(facts.Skipped)}
	switch r.Mode {
	case DangerFullAccess:
		p.Unconfined, p.ReadAll, p.Network = true, true, NetworkOn
		if len(r.DeniedReads) > 0 || len(r.Denied) > 0 || len(r.ReadOnly) > 0 {
			return Plan{}, fmt.Errorf("%w: danger-full-access cannot honour denied or read-only paths; use workspace-write", ErrInvalidRequest)
		}
		return p, p.Validate()
	case ReadOnly:
	case WorkspaceWrite:
		if r.NetworkAccess {
			p.Network = NetworkOn
		}
	case NamedProfile:
		if r.Profile.Network {
			p.Network = NetworkOn
		}
	default:
		return Plan{}, fmt.Errorf("%w: unknown sandbox mode %q, expected read-only, workspace-write, danger-full-access or profile", ErrInvalidRequest, r.Mode)
	}
	if r.Proxied && p.Network == NetworkOn {
		p.Network = NetworkProxied
	}
	for _, given := range slices.Concat(r.ReadOnly, given(r, facts)) {
		if !canonical(given) {
			return Plan{}, fmt.Errorf("%w: path %q is not absolute and clean", ErrInvalidRequest, given)
		}
	}
	d := draft{request: r, facts: facts, plan: &p}
	if err := d.settle(); err != nil {
		return Plan{}, err
	}
	if err := d.place(); err != nil {
		return Plan{}, err
	}
	d.hide()
	d.keepShared()
	p.sort()
	return p, p.Validate()
}

// given are the canonical paths that come with a request.
func given(r Request, facts Facts) []string {
	var out []string
	for _, d := range r.DeniedReads {
		out = append(out, d.Path)
	}
	for _, m := range facts.Matches {
		out = append(out, m.Path)
		if m.Target != nil {
			out = append(out, m.Target.Path)
		}
	}
	for _, s := range facts.Shared {
		out = append(out, s.Names...)
	}
	for _, f := range facts.Found {
		out = append(out, f.Path)
	}
	return out
}

// draft is a plan in the making.
type draft struct {
	request Request
	facts   Facts
	plan    *Plan
	// claims are the accesses by canonical path, one each; closed those of them that nothing opens below.
	claims map[string]claim
	closed []string
	globs  GlobSet // all of them
	barred GlobSet // those that nothing opens
}

// claim is the access that won at one path.
type claim struct {
	access Access
	facts  PlaceFacts
}

// settle picks one access for each canonical path.
func (d *draft) settle() error {
	known := map[string]PlaceFacts{}
	for _, f := range d.facts.Places {
		if _, ok := known[f.Asked]; !ok { // a base of a pattern may be a rule's place too
			known[f.Asked] = f
		}
	}
	d.claims = map[string]claim{}
	for _, denied := range d.request.DeniedReads {
		d.claims[denied.Path] = claim{AccessDeny, PlaceFacts{Path: denied.Path, Kind: denied.Kind}}
		d.closed = append(d.closed, denied.Path)
	}
	var grants []claim
	for _, rule := range d.request.Rules() {
		if rule.Glob {
			if err := d.addGlob(rule, known); err != nil {
				return err
			}
			continue
		}
		f, ok := known[rule.Path]
		switch {
		case !path.IsAbs(rule.Path):
			return fmt.Errorf("%w: path %q is not absolute", ErrInvalidRequest, rule.Path)
		case !ok:
			return fmt.Errorf("%w: no facts about %q", ErrInvalidRequest, rule.Path)
		case f.Kind == Symlink || !canonical(f.Path):
			return fmt.Errorf("%w: %q was not resolved, got %q (%s)", ErrInvalidRequest, rule.Path, f.Path, f.Kind)
		case rule.Access == AccessDeny:
			d.claims[f.Path] = claim{AccessDeny, f}
			if rule.Managed {
				d.closed = append(d.closed, f.Path)
			}
		case rule.Access == AccessRead || rule.Access == AccessWrite:
			grants = append(grants, claim{rule.Access, f})
		default:
			return fmt.Errorf("%w: unknown access %q of %q", ErrInvalidRequest, rule.Access, rule.Path)
		}
	}
	slices.SortStableFunc(grants, func(a, b claim) int { return cmp.Compare(b.access, a.access) }) // write before read
	for _, g := range grants {
		if _, taken := d.claims[g.facts.Path]; !taken && !d.isClosed(g.facts.Path) {
			d.claims[g.facts.Path] = g
		}
	}
	return nil
}

// addGlob anchors a pattern where its base really is.
func (d *draft) addGlob(rule Rule, known map[string]PlaceFacts) error {
	g, err := CompileGlob(rule.Path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidRequest, err)
	}
	if base, ok := known[g.Base()]; ok && base.Path != g.Base() {
		if g, err = g.Rebase(base.Path); err != nil {
			return fmt.Errorf("%w: %w", ErrInvalidRequest, err)
		}
	}
	d.globs = append(d.globs, g)
	if rule.Managed {
		d.barred = append(d.barred, g)
	}
	d.plan.DeniedGlobs = append(d.plan.DeniedGlobs, g.String())
	return nil
}

func (d *draft) isClosed(p string) bool {
	if slices.ContainsFunc(d.closed, func(c string) bool { return Within(p, c) }) {
		return true
	}
	pattern, _ := d.barred.Covers(p)
	return pattern != ""
}

// above is the access that holds at p for what stands above it, empty when nothing does.
func (d *draft) above(p string) Access {
	for p != "/" {
		p = path.Dir(p)
		if c, ok := d.claims[p]; ok {
			return c.access
		}
	}
	return ""
}

// at is the access that holds at p by the claims.
func (d *draft) at(p string) Access {
	if c, ok := d.claims[p]; ok {
		return c.access
	}
	return d.above(p)
}

// place turns claims into the lists of the plan.
func (d *draft) place() error {
	p := d.plan
	p.ReadAll = d.claims["/"].access == AccessRead || d.claims["/"].access == AccessWrite
	for at, c := range d.claims {
		above := d.above(at)
		switch {
		case c.access == AccessWrite && c.facts.Kind == Missing:
			p.Skipped = append(p.Skipped, c.facts.Asked)
		case c.access == AccessWrite:
			root, err := d.root(c.facts)
			if err != nil {
				return err
			}
			p.Writable = append(p.Writable, root)
		case c.access == AccessDeny && c.facts.Kind == Missing:
			p.DeniedGlobs = append(p.DeniedGlobs, escape(at))
		case c.access == AccessDeny && at != "/":
			p.DeniedReads = append(p.DeniedReads, Denied{Path: at, Kind: c.facts.Kind})
		case c.access == AccessRead && above == AccessWrite:
			p.ReadOnly = append(p.ReadOnly, at) // also when missing: it must not be made
		case c.access == AccessRead && above != AccessRead && at != "/" && c.facts.Kind != Missing:
			p.Readable = append(p.Readable, at)
		}
		if c.access != AccessDeny && c.facts.Kind != Missing && !p.ReadAll {
			p.Links = append(p.Links, d.links(c.facts)...)
		}
	}
	p.ReadOnly = append(p.ReadOnly, d.request.ReadOnly...)
	return nil
}

// links are those that no readable folder shows anyway.
func (d *draft) links(f PlaceFacts) []Link {
	var out []Link
	for _, l := range f.Links {
		if d.at(l.Path) == "" {
			out = append(out, l)
		}
	}
	return out
}

// root is one writable root. The whole tree has no protected names of its own.
func (d *draft) root(f PlaceFacts) (Root, error) {
	root := Root{Path: f.Path, Kind: f.Kind}
	if f.Kind != Dir || f.Path == "/" {
		return root, nil
	}
	for _, name := range ProtectedNames() {
		i := slices.IndexFunc(f.Entries, func(e Found) bool { return e.Name == name })
		if i < 0 {
			return root, fmt.Errorf("%w: no facts about %q in writable root %q", ErrInvalidRequest, name, f.Path)
		}
		root.Protected = append(root.Protected, d.protect(f.Entries[i], false)...)
	}
	for _, found := range d.facts.Found {
		if d.rootOf(found.Path) == f.Path {
			root.Protected = append(root.Protected, d.protect(found, true)...)
		}
	}
	slices.SortFunc(root.Protected, func(a, b Protected) int { return byDepth(a.Path, b.Path) })
	root.Protected = slices.CompactFunc(root.Protected, func(a, b Protected) bool { return a.Path == b.Path })
	return root, nil
}

// rootOf is the deepest writable root that p lies in, empty when something closes it there.
func (d *draft) rootOf(p string) string {
	for {
		if c, ok := d.claims[p]; ok {
			if c.access == AccessWrite {
				return p
			}
			return ""
		}
		if p == "/" {
			return ""
		}
		p = path.Dir(p)
	}
}

// protect lists what one protected name keeps under the claims.
func (d *draft) protect(f Found, found bool) []Protected {
	return keep(f, found, func(p string) bool { return d.rootOf(p) != "" }, func(p string) bool { _, ruled := d.claims[p]; return ruled })
}

// keep lists what one protected name keeps: itself, and its guards where they are writable. Guards outside every root are
// read-only anyway, and a rule about the same path replaces the protection.
func keep(f Found, found bool, writable, ruled func(string) bool) []Protected {
	if ruled(f.Path) {
		return nil
	}
	out := []Protected{{Path: f.Path, Kind: f.Kind, Name: f.Name, Found: found}}
	for _, g := range f.Guards {
		if g.Path != f.Path && writable(g.Path) && !ruled(g.Path) {
			out = append(out, Protected{Path: g.Path, Kind: g.Kind, Name: f.Name, Found: found})
		}
	}
	return out
}

func byDepth(a, b string) int {
	return cmp.Or(cmp.Compare(Depth(a), Depth(b)), cmp.Compare(a, b))
}
