package filesystem

import "slices"

// Intersect is the plan that allows what both plans allow: where two confine the same process, the stricter wins for every path.
// The mode is that of a, as long as anything is left to write.
//
// The deepest rule about a path wins, so it is enough to keep every rule of either plan that takes something away, and of those that give
// only the ones that the other plan gives as well.
func Intersect(a, b Plan) Plan {
	switch {
	case a.Unconfined:
		return b
	case b.Unconfined:
		return a
	}
	out := Plan{
		Mode: a.Mode, Network: lesser(a.Network, b.Network), ReadAll: a.ReadAll && b.ReadAll,
		ReadOnly: slices.Concat(a.ReadOnly, b.ReadOnly), Linked: slices.Concat(a.Linked, b.Linked), Links: slices.Concat(a.Links, b.Links),
		DeniedReads: slices.Concat(a.DeniedReads, b.DeniedReads), DeniedGlobs: slices.Concat(a.DeniedGlobs, b.DeniedGlobs),
		Skipped: slices.Concat(a.Skipped, b.Skipped),
	}
	out.Writable = append(commonRoots(a, b), commonRoots(b, a)...)
	out.Writable = slices.CompactFunc(sortedRoots(out.Writable), func(x, y Root) bool { return x.Path == y.Path })
	out.guard(a, b)
	if !out.ReadAll {
		out.Readable = append(commonReads(a, b), commonReads(b, a)...)
	}
	for _, r := range slices.Concat(a.Readable, b.Readable) { // which also takes writing away
		if !slices.Contains(out.Readable, r) && slices.ContainsFunc(out.Writable, func(w Root) bool { return Within(r, w.Path) }) {
			out.ReadOnly = append(out.ReadOnly, r)
		}
	}
	if len(out.Writable) == 0 {
		out.Mode = NamedProfile
		if out.ReadAll {
			out.Mode = ReadOnly
		}
	}
	out.sort()
	return out
}

func lesser(a, b Network) Network {
	for _, n := range []Network{NetworkOff, NetworkProxied} {
		if a == n || b == n {
			return n
		}
	}
	return a
}

// commonRoots are the writable roots of a that b lets be written, without what is protected in them.
func commonRoots(a, b Plan) []Root {
	var out []Root
	for _, r := range a.Writable {
		if a.CheckWrite(r.Path).Allowed && b.CheckWrite(r.Path).Allowed {
			out = append(out, Root{Path: r.Path, Kind: r.Kind})
		}
	}
	return out
}

// commonReads are the places that a opens to reading, by any rule, and b lets be read.
func commonReads(a, b Plan) []string {
	opened := slices.Clone(a.Readable)
	for _, r := range a.Writable {
		opened = append(opened, r.Path)
	}
	return slices.DeleteFunc(opened, func(path string) bool {
		written := a.CheckWrite(path).Allowed && b.CheckWrite(path).Allowed // then its root opens it
		return written || !a.CheckRead(path).Allowed || !b.CheckRead(path).Allowed
	})
}

func sortedRoots(roots []Root) []Root {
	slices.SortStableFunc(roots, func(a, b Root) int { return byDepth(a.Path, b.Path) })
	return roots
}

// guard puts every protected path of either plan into the deepest root that holds it.
func (p *Plan) guard(plans ...Plan) {
	for _, from := range plans {
		for _, r := range from.Writable {
			for _, q := range r.Protected {
				p.protect(q)
			}
		}
	}
	for i := range p.Writable {
		slices.SortFunc(p.Writable[i].Protected, func(a, b Protected) int { return byDepth(a.Path, b.Path) })
	}
}

func (p *Plan) protect(q Protected) {
	for i := len(p.Writable) - 1; i >= 0; i-- { // deep ones last
		r := &p.Writable[i]
		if !Within(q.Path, r.Path) {
			continue
		}
		if !slices.ContainsFunc(r.Protected, func(o Protected) bool { return o.Path == q.Path }) {
			r.Protected = append(r.Protected, q)
		}
		return
	}
}
