package tool

import (
	"path/filepath"
	"strings"

	"proctor/event"
	"proctor/executor/sandbox"
	"proctor/policy/filesystem"
)

// Changes is sandbox.Spec.OnChange for an observer.
func Changes(o Observer) func(sandbox.Change) {
	return func(c sandbox.Change) {
		o.Changed(event.FileChangePayload{
			Path: c.Path, MoveTo: c.MoveTo, Change: c.Kind, Before: c.Before, After: c.After, Bytes: c.Bytes, Unhashed: c.Unhashed, Command: true,
		})
	}
}

// ChangeRoots are the writable roots of a plan in which changes of files are told: all but the folders for temporary files.
func ChangeRoots(p filesystem.Plan, env []string) []string {
	temporary := map[string]bool{"/tmp": true, "/var/tmp": true}
	for _, v := range env {
		if dir, ok := strings.CutPrefix(v, "TMPDIR="); ok {
			temporary[filepath.Clean(dir)] = true
		}
	}
	var out []string
	for _, r := range p.Writable {
		if !temporary[r.Path] {
			out = append(out, r.Path)
		}
	}
	return out
}
