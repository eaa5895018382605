package view

import (
	"cmp"
	"fmt"
	"path"
	"slices"

	"proctor/policy/filesystem"
)

// Kind is what to do at a path.
type Kind int

// The kinds, weakest first: of two for one path the stronger counts.
const (
	// Pin is the path itself, writable, as a mount of its own.
	Pin Kind = iota
	// Writable is the path itself, writable.
	Writable
	// ReadOnly is the path itself, read-only, with everything below.
	ReadOnly
	// Placeholder is ReadOnly over an empty directory that must be made first, because nothing is there.
	Placeholder
	// PinLink is the symlink itself, not its target, as a mount point that cannot be replaced.
	PinLink
	// HideDir and HideFile show something empty that nobody may read.
	HideDir
	HideFile
	// Veil is an empty folder in which only what comes later in the list is shown: mount points in it have to be made. It may
	// be passed through but, unless it is the root, not listed. Its Seal comes last and ends that.
	Veil
	Seal
	// Link is a symlink to Target, made in a Veil.
	Link
	// Folder is an empty folder, made in a Veil.
	Folder
)

// Op is one step.
type Op struct {
	Kind Kind
	Path string
	// Target is that of a Link.
	Target string
	// Loose means that nothing has to be kept in the place of Path once it is gone or moved.
	Loose bool
	// File means that Path is no directory; Adjust finds out.
	File bool
}

// Ops lists the steps for p.
func Ops(p filesystem.Plan) []Op {
	s := steps{plan: p, at: map[string]Op{}}
	for _, r := range p.Writable {
		s.put(Op{Kind: Writable, Path: r.Path})
		for _, q := range r.Protected {
			s.put(Op{Kind: kindOf(q.Kind), Path: q.Path, Loose: q.Found})
		}
	}
	for _, ro := range p.ReadOnly {
		s.put(Op{Kind: ReadOnly, Path: ro})
	}
	for _, l := range p.Linked {
		s.put(Op{Kind: ReadOnly, Path: l, Loose: true})
	}
	for _, d := range p.DeniedReads {
		switch d.Kind {
		case filesystem.Dir:
			s.put(Op{Kind: HideDir, Path: d.Path, Loose: true})
		case filesystem.Missing, filesystem.Symlink: // nothing to hide
		default:
			s.put(Op{Kind: HideFile, Path: d.Path, Loose: true})
		}
	}
	s.dropIdle()
	for _, r := range p.Readable {
		s.put(Op{Kind: ReadOnly, Path: r, Loose: true})
	}
	s.pins()
	s.veils()
	for _, l := range p.Links {
		s.put(Op{Kind: Link, Path: l.Path, Target: l.Target})
	}
	return s.list()
}

// steps are the operations by path.
type steps struct {
	plan filesystem.Plan
	at   map[string]Op
}

// put keeps the stronger of two operations; what has to keep its place for one reason has to.
func (s *steps) put(op Op) {
	old, ok := s.at[op.Path]
	switch {
	case !ok:
		s.at[op.Path] = op
	case op.Kind > old.Kind:
		op.Loose = op.Loose && (old.Loose || old.Kind <= Writable)
		s.at[op.Path] = op
	default:
		old.Loose = old.Loose && op.Loose
		s.at[op.Path] = old
	}
}

// above is the nearest operation above p.
func (s *steps) above(p string) (Op, bool) {
	for p != "/" {
		p = path.Dir(p)
		if op, ok := s.at[p]; ok {
			return op, true
		}
	}
	return Op{}, false
}

// dropIdle leaves out what changes nothing: protection where nothing is writable, and hiding where nothing is shown.
func (s *steps) dropIdle() {
	paths := make([]string, 0, len(s.at))
	for p := range s.at {
		paths = append(paths, p)
	}
	slices.SortFunc(paths, byDepth)
	shown := func(p string) bool { return s.plan.ReadAll || s.plan.CheckRead(path.Dir(p)).Allowed }
	for _, p := range paths { // parents first
		op := s.at[p]
		above, ok := s.above(p)
		writable := ok && above.Kind <= Writable
		switch op.Kind {
		case ReadOnly, Placeholder, PinLink:
			if !writable {
				delete(s.at, p)
			}
		case HideDir, HideFile:
			if !shown(p) {
				delete(s.at, p)
			}
		default:
		}
	}
}

func kindOf(k filesystem.Kind) Kind {
	switch k {
	case filesystem.Missing:
		return Placeholder
	case filesystem.Symlink:
		return PinLink
	default:
		return ReadOnly
	}
}

// pins makes a mount of each directory between a mount that has to keep its place and the writable one that covers it.
func (s *steps) pins() {
	var all []string
	for p, op := range s.at {
		if op.Loose && !s.found(p) {
			continue
		}
		var between []string
		for dir := path.Dir(p); ; dir = path.Dir(dir) {
			if cover, ok := s.at[dir]; ok {
				if cover.Kind <= Writable {
					all = append(all, between...)
				}
				break
			}
			if dir == "/" {
				break
			}
			between = append(between, dir)
		}
	}
	for _, p := range all {
		s.put(Op{Kind: Pin, Path: p, Loose: true})
	}
}

// found reports whether p is a protected name below the top of a root: it keeps its place as long as it is there.
func (s *steps) found(p string) bool {
	for _, r := range s.plan.Writable {
		if slices.ContainsFunc(r.Protected, func(q filesystem.Protected) bool { return q.Path == p && q.Found }) {
			return true
		}
	}
	return false
}

// veils turns hidden folders with something shown below into veils, and the root when not everything is readable.
func (s *steps) veils() {
	if !s.plan.ReadAll {
		s.at["/"] = Op{Kind: Veil, Path: "/"}
	}
	for p, op := range s.at {
		if op.Kind == Link || op.Kind == Veil {
			continue
		}
		if above, ok := s.above(p); ok && above.Kind == HideDir {
			above.Kind = Veil
			s.at[above.Path] = above
		}
	}
}

// list is parents first, and the seals after all.
func (s *steps) list() []Op {
	out := make([]Op, 0, len(s.at))
	for _, op := range s.at {
		out = append(out, op)
	}
	slices.SortFunc(out, func(a, b Op) int { return byDepth(a.Path, b.Path) })
	for _, op := range out {
		if op.Kind == Veil {
			out = append(out, Op{Kind: Seal, Path: op.Path})
		}
	}
	return out
}

// Reach adds what a command needs to stand in dir: a folder, where a veil would not show it.
func Reach(ops []Op, dir string) []Op {
	cover := -1
	for i, op := range ops {
		if op.Kind != Seal && op.Kind != Link && filesystem.Within(dir, op.Path) {
			cover = i
		}
	}
	if cover < 0 || ops[cover].Kind != Veil && ops[cover].Kind != HideDir || ops[cover].Path == dir {
		return ops
	}
	out := slices.Clone(ops)
	if out[cover].Kind == HideDir {
		out[cover].Kind = Veil
		out = append(out, Op{Kind: Seal, Path: out[cover].Path})
	}
	first := slices.IndexFunc(out, func(op Op) bool { return op.Kind == Seal })
	return slices.Insert(out, first, Op{Kind: Folder, Path: dir})
}

func byDepth(a, b string) int {
	return cmp.Or(cmp.Compare(filesystem.Depth(a), filesystem.Depth(b)), cmp.Compare(a, b))
}

// Mountable refuses paths in trees that every backend replaces by its own: /proc, and /dev but for /dev/shm.
func Mountable(p string) error {
	if filesystem.Within(p, "/proc") || filesystem.Within(p, "/dev") && !filesystem.Within(p, "/dev/shm") {
		return fmt.Errorf("%s lies in a tree that the sandbox replaces by its own", p)
	}
	return nil
}
