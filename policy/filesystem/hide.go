package filesystem

import (
	"cmp"
	"fmt"
	"path"
	"slices"
)

// MaxLinked is how many names of shared files are made read-only one by one.
const MaxLinked = 256

// hide adds what stands under denied names, and where symlinks with such a name lead.
func (d *draft) hide() {
	for _, m := range d.facts.Matches {
		switch m.Kind {
		case Missing:
		case Symlink: // the link says nothing but a path
			if m.Target != nil {
				d.hideTarget(m)
			}
		default:
			d.plan.DeniedReads = append(d.plan.DeniedReads, Denied{Path: m.Path, Kind: m.Kind})
		}
	}
}

// hideTarget spares what nothing would run without: a link must not be able to hide the workspace or the system.
func (d *draft) hideTarget(m Match) {
	t := *m.Target
	if t.Kind != File && t.Kind != Dir || Within(t.Path, "/proc") || Within(t.Path, "/dev") {
		return
	}
	holds := func(p string) bool { return Within(p, t.Path) }
	needed := slices.ContainsFunc(minimalRoots, holds)
	for at, c := range d.claims {
		needed = needed || c.access != AccessDeny && holds(at)
	}
	if needed {
		d.plan.Skipped = append(d.plan.Skipped, fmt.Sprintf("%s has a denied name and leads to %s, which is needed and stays readable", m.Path, t.Path))
		return
	}
	d.plan.DeniedReads = append(d.plan.DeniedReads, Denied(t))
}

// keepShared settles files with several names: one name must not give what another takes away.
func (d *draft) keepShared() {
	p := d.plan
	checked, outward := *p, []string(nil)
	for _, s := range d.facts.Shared {
		denied := slices.ContainsFunc(s.Names, func(n string) bool { return checked.CheckRead(n).Reason == ReasonDeniedRead })
		var writable []string
		for _, n := range s.Names {
			switch {
			case denied && checked.CheckRead(n).Allowed:
				p.DeniedReads = append(p.DeniedReads, Denied{Path: n, Kind: File})
			case checked.CheckWrite(n).Allowed:
				writable = append(writable, n)
			}
		}
		if !denied && len(writable) < s.Links {
			outward = append(outward, writable...)
		}
		if denied && len(s.Names) < s.Links {
			p.Skipped = append(p.Skipped, fmt.Sprintf("%s is denied and has %d further names that were not found", s.Names[0], s.Links-len(s.Names)))
		}
	}
	// A lone link was made by somebody for a purpose, thousands side by side by a package manager.
	crowd := map[string]int{}
	for _, n := range outward {
		crowd[path.Dir(n)]++
	}
	slices.SortFunc(outward, func(a, b string) int {
		return cmp.Or(cmp.Compare(crowd[path.Dir(a)], crowd[path.Dir(b)]), byDepth(a, b))
	})
	if more := len(outward) - MaxLinked; more > 0 {
		p.Skipped = append(p.Skipped, fmt.Sprintf("%d more files have further names outside of the writable roots and stay writable", more))
		outward = outward[:MaxLinked]
	}
	p.Linked = outward
}

// sort puts the lists in order and drops what another line says already.
func (p *Plan) sort() {
	slices.SortFunc(p.Writable, func(a, b Root) int { return byDepth(a.Path, b.Path) })
	p.ReadOnly, p.Readable, p.Linked = sorted(p.ReadOnly), sorted(p.Readable), sorted(p.Linked)
	slices.SortFunc(p.Links, func(a, b Link) int { return byDepth(a.Path, b.Path) })
	p.Links = slices.Compact(p.Links)
	slices.Sort(p.DeniedGlobs)
	p.DeniedGlobs = slices.Compact(p.DeniedGlobs)
	slices.Sort(p.Skipped)
	p.Skipped = slices.Compact(p.Skipped)
	slices.SortFunc(p.DeniedReads, func(a, b Denied) int { return byDepth(a.Path, b.Path) })
	opened := map[string]bool{} // by path: what holds there, true = readable
	for _, r := range p.Writable {
		opened[r.Path] = true
	}
	for _, r := range p.Readable {
		opened[r] = true
	}
	all := p.DeniedReads
	p.DeniedReads = nil
	for _, one := range all { // shallow ones first
		if one.Path == "/" || !hiddenBy(opened, path.Dir(one.Path)) && !isDenied(opened, one.Path) {
			p.DeniedReads = append(p.DeniedReads, one)
			opened[one.Path] = false
		}
	}
}

// hiddenBy reports whether the nearest folder at or above dir that holds denies.
func hiddenBy(holds map[string]bool, dir string) bool {
	for ; ; dir = path.Dir(dir) {
		if readable, ok := holds[dir]; ok {
			return !readable
		}
		if dir == "/" {
			return false
		}
	}
}

func isDenied(holds map[string]bool, p string) bool {
	readable, ok := holds[p]
	return ok && !readable
}

func sorted(paths []string) []string {
	out := slices.Clone(paths)
	slices.SortFunc(out, byDepth)
	return slices.Compact(out)
}
