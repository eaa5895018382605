//go:build linux

package mountpoint

import (
	"errors"
	"slices"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/view"
	"proctor/policy/filesystem"
)

// Prepare translates a plan into mounts as of now and holds the placeholders they need.
func (r *Registry) Prepare(p filesystem.Plan) ([]view.Op, *Hold, error) {
	if p.CheckWrite(r.dir).Allowed {
		// Inside a writable root: commands must not edit what gets removed.
		p.ReadOnly = append(slices.Clone(p.ReadOnly), r.dir)
	}
	ops := view.Adjust(view.Ops(p), r.kindNow)
	hold, err := r.Hold(view.Placeholders(ops))
	if err != nil {
		return nil, nil, errors.Join(sandbox.ErrSetup, err)
	}
	return view.Without(ops, hold.Paths()), hold, nil
}

// kindNow takes a placeholder of this registry for missing: it has to be held like one. What cannot be
// examined is treated as something to keep read-only, so that the mount fails rather than the protection.
func (r *Registry) kindNow(path string) filesystem.Kind {
	kind, err := sandbox.KindOf(path)
	switch {
	case err != nil:
		return filesystem.Other
	case kind != filesystem.Missing && r.listed(path):
		return filesystem.Missing
	default:
		return kind
	}
}
