package filesystem

import "slices"

// Reason says which rule of a plan decided. The values are recorded and stable.
type Reason string

// The reason codes of CheckWrite and CheckRead.
const (
	ReasonUnconfined           Reason = "unconfined"
	ReasonWritableRoot         Reason = "writable_root"
	ReasonReadable             Reason = "readable"
	ReasonReadOnly             Reason = "read_only"
	ReasonOutsideWritableRoots Reason = "outside_writable_roots"
	ReasonProtectedPath        Reason = "protected_path"
	ReasonDeniedRead           Reason = "denied_read"
	ReasonNotReadable          Reason = "not_readable"
	ReasonLinkedOutside        Reason = "linked_outside"
	ReasonInvalidPath          Reason = "invalid_path"
)

// Verdict is the answer of a plan about one path.
type Verdict struct {
	Allowed bool   `json:"allowed"`
	Reason  Reason `json:"reason"`
	// Rule is the root or protected path that decided, or empty.
	Rule string `json:"rule,omitempty"`
}

// CheckWrite says whether the plan lets a process create, change, rename or remove path,
// which must be absolute, clean and free of symlinks. The deepest rule wins; at equal depth refusing wins.
func (p Plan) CheckWrite(path string) Verdict {
	if !canonical(path) {
		return Verdict{Reason: ReasonInvalidPath}
	}
	if p.Unconfined {
		return Verdict{Allowed: true, Reason: ReasonUnconfined}
	}
	best, depth := Verdict{Reason: ReasonOutsideWritableRoots}, -1
	if p.Mode == ReadOnly {
		best.Reason = ReasonReadOnly
	}
	try := func(rule string, v Verdict) {
		d := Depth(rule)
		if Within(path, rule) && (d > depth || d == depth && !v.Allowed) {
			v.Rule = rule
			best, depth = v, d
		}
	}
	for _, r := range p.Writable {
		try(r.Path, Verdict{Allowed: true, Reason: ReasonWritableRoot})
		for _, q := range r.Protected {
			try(q.Path, Verdict{Reason: ReasonProtectedPath})
		}
	}
	for _, ro := range slices.Concat(p.ReadOnly, p.Readable) {
		try(ro, Verdict{Reason: ReasonReadOnly})
	}
	for _, l := range p.Linked {
		try(l, Verdict{Reason: ReasonLinkedOutside})
	}
	for _, d := range p.DeniedReads {
		try(d.Path, Verdict{Reason: ReasonDeniedRead})
	}
	return p.deniedByName(path, best, depth)
}

// CheckRead says whether the plan lets a process read path (absolute, clean, free of symlinks).
// The deepest rule wins, so a writable root below a denied directory is readable again.
func (p Plan) CheckRead(path string) Verdict {
	if !canonical(path) {
		return Verdict{Reason: ReasonInvalidPath}
	}
	if p.Unconfined {
		return Verdict{Allowed: true, Reason: ReasonUnconfined}
	}
	best, depth := Verdict{Reason: ReasonNotReadable}, -1
	if p.ReadAll {
		best = Verdict{Allowed: true, Reason: ReasonReadable}
	}
	try := func(rule string, v Verdict) {
		d := Depth(rule)
		if Within(path, rule) && (d > depth || d == depth && !v.Allowed) {
			v.Rule = rule
			best, depth = v, d
		}
	}
	for _, r := range p.Readable {
		try(r, Verdict{Allowed: true, Reason: ReasonReadable})
	}
	for _, r := range p.Writable {
		try(r.Path, Verdict{Allowed: true, Reason: ReasonReadable})
	}
	for _, d := range p.DeniedReads {
		try(d.Path, Verdict{Reason: ReasonDeniedRead})
	}
	return p.deniedByName(path, best, depth)
}

// CheckReadThrough is CheckRead for a path that links led to, whose places are given; at is the place that the verdict is about. A link that the plan
// closes must not tell where it leads; one that no rule opens, as /bin beside /usr, is no secret.
func (p Plan) CheckReadThrough(links []string, path string) (at string, v Verdict) {
	for _, link := range links {
		if v := p.CheckRead(link); !v.Allowed && v.Reason != ReasonNotReadable {
			return link, v
		}
	}
	return path, p.CheckRead(path)
}

// deniedByName is best, or the refusal by a denied pattern that matches path as deep or deeper.
// A plan with a broken pattern allows nothing; Validate refuses it before.
func (p Plan) deniedByName(path string, best Verdict, depth int) Verdict {
	if len(p.DeniedGlobs) == 0 {
		return best
	}
	set, err := p.Globs()
	if err != nil {
		return Verdict{Reason: ReasonInvalidPath}
	}
	if pattern, d := set.Covers(path); pattern != "" && d >= depth {
		return Verdict{Reason: ReasonDeniedRead, Rule: pattern}
	}
	return best
}
