//go:build unix

package config

import (
	"strings"
	"testing"

	"proctor/policy/filesystem"
)

// FuzzProfile: any text of a profile is a plan or an error with a place, never a panic and never a plan that contradicts itself.
func FuzzProfile(f *testing.F) {
	for _, s := range []string{"[filesystem]\n\":root\" = \"read\"\n", "extends = \":workspace\"\n[filesystem]\nglob_scan_max_depth = 3\n[filesystem.\":workspace_roots\"]\n\"**/*.env\" = \"deny\"\n",
		"extends = \"p\"", "[filesystem]\n\"a/b\" = \"read\"", "[filesystem.\":tmpdir\"]\n\"x\" = \"none\"", "workspace_roots = { \"~/x\" = true }", "network = { enabled = true }"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ReplaceAll(text, "[filesystem", "[permissions.p.filesystem")
		opts := options(map[string]string{userFile: "default_permissions = \"p\"\n[permissions.p]\n" + text})
		c, _, err := Load(opts)
		if err != nil {
			if len(Problems(err)) == 0 {
				t.Errorf("an error without a place: %v", err)
			}
			return
		}
		profile, named := c.FilesystemProfile()
		if !named {
			return
		}
		r := filesystem.Request{Mode: filesystem.NamedProfile, WorkspaceRoots: []string{"/w"}, Profile: profile}
		var facts filesystem.Facts
		for _, rule := range r.Rules() {
			if !rule.Glob {
				facts.Places = append(facts.Places, filesystem.PlaceFacts{Asked: rule.Path, Path: rule.Path, Kind: filesystem.File})
			}
		}
		if plan, err := filesystem.Resolve(r, facts); err == nil {
			if err := plan.Validate(); err != nil {
				t.Error(err)
			}
		}
	})
}
