package view

import "proctor/policy/filesystem"

// Adjust brings the operations on protected paths up to date with what stands there now: a plan may be older than
// the last git init. It only ever swaps one way of protecting for another.
func Adjust(ops []Op, kindNow func(path string) filesystem.Kind) []Op {
	out := make([]Op, len(ops))
	copy(out, ops)
	for i, op := range out {
		if op.Kind == ReadOnly || op.Kind == Placeholder || op.Kind == PinLink {
			out[i].Kind = kindOf(kindNow(op.Path))
		}
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
	out := make([]Op, 0, len(ops))
	for _, op := range ops {
		if op.Kind != Placeholder || have[op.Path] {
			out = append(out, op)
		}
	}
	return out
}
