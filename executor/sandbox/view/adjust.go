package view

import (
	"slices"

	"proctor/policy/filesystem"
)

// Adjust brings the operations up to date with what stands there now: a plan may be older than the last git init. It
// swaps one way of protecting or hiding for another, and leaves out what may be gone and is.
func Adjust(ops []Op, kindNow func(path string) filesystem.Kind) []Op {
	out := make([]Op, 0, len(ops))
	for _, op := range ops {
		switch op.Kind {
		case Veil, Seal, Link, Folder:
			out = append(out, op)
			continue
		default:
		}
		now := kindNow(op.Path)
		op.File = now != filesystem.Dir && now != filesystem.Missing
		switch {
		case now == filesystem.Missing && op.Loose, now == filesystem.Symlink && (op.Kind == HideDir || op.Kind == HideFile || op.Kind == Pin):
			continue
		case op.Kind == ReadOnly || op.Kind == Placeholder || op.Kind == PinLink:
			op.Kind = kindOf(now)
		case (op.Kind == HideDir || op.Kind == HideFile) && op.File:
			op.Kind = HideFile
		case op.Kind == HideDir || op.Kind == HideFile:
			op.Kind = HideDir
		}
		out = append(out, op)
	}
	return out
}

// Placeholders are the paths that need an empty directory on the host.
func Placeholders(ops []Op) []string {
	var out []string
	for _, op := range ops {
		if op.Kind == Placeholder {
			out = append(out, op.Path)
		}
	}
	return out
}

// Without drops the operations on Placeholder paths that are not in held: nothing can be made there.
func Without(ops []Op, held []string) []Op {
	have := map[string]bool{}
	for _, p := range held {
		have[p] = true
	}
	return slices.DeleteFunc(slices.Clone(ops), func(op Op) bool { return op.Kind == Placeholder && !have[op.Path] })
}
