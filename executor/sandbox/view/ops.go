package view

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"

	"proctor/policy/filesystem"
)

// Kind is what to mount at a path.
type Kind int

// The kinds, weakest first.
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
)

// Op is one mount.
type Op struct {
	Kind Kind
	Path string
}

// ErrRestrictedReads means that the plan allows only listed paths to be read.
var ErrRestrictedReads = errors.New("restricted reads are not supported yet")

// Ops lists the mounts for p.
func Ops(p filesystem.Plan) ([]Op, error) {
	if !p.ReadAll {
		return nil, ErrRestrictedReads
	}
	byPath := map[string]Kind{}
	put := func(path string, k Kind) {
		if old, ok := byPath[path]; !ok || k > old {
			byPath[path] = k
		}
	}
	for _, r := range p.Writable {
		put(r.Path, Writable)
		for _, q := range r.Protected {
			put(q.Path, kindOf(q.Kind))
		}
	}
	for _, ro := range p.ReadOnly {
		put(ro, ReadOnly)
	}
	for _, d := range p.DeniedReads {
		switch d.Kind {
		case filesystem.Dir:
			put(d.Path, HideDir)
		case filesystem.Missing: // nothing to hide; a file made later is the command's own
		default:
			put(d.Path, HideFile)
		}
	}
	for _, pin := range pins(byPath) {
		put(pin, Pin)
	}
	out := make([]Op, 0, len(byPath))
	for path, kind := range byPath {
		out = append(out, Op{Kind: kind, Path: path})
	}
	slices.SortFunc(out, func(a, b Op) int {
		return cmp.Or(cmp.Compare(filesystem.Depth(a.Path), filesystem.Depth(b.Path)), cmp.Compare(a.Path, b.Path))
	})
	return out, nil
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

// pins are the directories between each mount and the writable one that covers it.
func pins(byPath map[string]Kind) []string {
	var out []string
	for p := range byPath {
		var between []string
		for dir := path.Dir(p); ; dir = path.Dir(dir) {
			if kind, ok := byPath[dir]; ok {
				if kind <= Writable {
					out = append(out, between...)
				}
				break
			}
			if dir == "/" {
				break
			}
			between = append(between, dir)
		}
	}
	return out
}

// Mountable refuses paths in trees that every backend replaces by its own: /proc, and /dev but for /dev/shm.
func Mountable(p string) error {
	if filesystem.Within(p, "/proc") || filesystem.Within(p, "/dev") && !filesystem.Within(p, "/dev/shm") {
		return fmt.Errorf("%s lies in a tree that the sandbox replaces by its own", p)
	}
	return nil
}
