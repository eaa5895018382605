//go:build !linux

package sandbox

import (
	"fmt"

	"proctor/policy/filesystem"
)

// survey says what nobody looked for: the search below roots exists on Linux only.
func (g *gathering) survey(filesystem.Request) error {
	if len(g.roots) > 0 {
		g.facts.Skipped = append(g.facts.Skipped, "protected names below the top of writable roots, and hard links, are not looked for on this system")
	}
	return nil
}

// addGlob refuses patterns: what they deny would not be hidden.
func (*gathering) addGlob(pattern string) error {
	return fmt.Errorf("denied pattern %s: patterns are expanded on Linux only; list the paths", pattern)
}

func (*gathering) noteDenied(string) bool { return false }
