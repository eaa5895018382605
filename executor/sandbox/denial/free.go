//go:build linux

package denial

import (
	"path"
	"slices"

	"proctor/policy/filesystem"
)

// freeFolders tells the folders that are writable and in which no rule of the plan names anything: every name in them is judged
// like the folder itself. p has no patterns.
func freeFolders(p filesystem.Plan) func(folder string) bool {
	special := map[string]bool{}
	for _, rule := range rules(p) {
		special[path.Dir(rule)] = true
	}
	return func(folder string) bool { return !special[folder] && p.CheckWrite(folder).Allowed }
}

// rules are the paths that a plan says something about.
func rules(p filesystem.Plan) []string {
	out := slices.Concat(p.ReadOnly, p.Linked, p.Readable)
	for _, r := range p.Writable {
		out = append(out, r.Path)
		for _, q := range r.Protected {
			out = append(out, q.Path)
		}
	}
	for _, d := range p.DeniedReads {
		out = append(out, d.Path)
	}
	return out
}
