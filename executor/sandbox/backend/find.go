//go:build linux

package backend

import (
	"os"
	"path/filepath"
	"strings"

	"proctor/policy/filesystem"
)

// findBwrap is the first bwrap on PATH that a workspace cannot have planted: on an absolute entry, not below any of
// the given directories (with symlinks resolved), and not writable by others.
func findBwrap(path string, planted []string) string {
	for _, dir := range filepath.SplitList(path) {
		if !filepath.IsAbs(dir) {
			continue
		}
		candidate, err := filepath.EvalSymlinks(filepath.Join(dir, "bwrap"))
		if err != nil || below(candidate, planted) || below(filepath.Clean(dir), planted) {
			continue
		}
		info, err := os.Stat(candidate)
		if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 || info.Mode().Perm()&0o002 != 0 {
			continue
		}
		return candidate
	}
	return ""
}

func below(path string, dirs []string) bool {
	for _, d := range dirs {
		real, err := filepath.EvalSymlinks(d)
		if err != nil {
			real = filepath.Clean(d)
		}
		if strings.HasPrefix(real, "/") && (filesystem.Within(path, real) || filesystem.Within(path, filepath.Clean(d))) {
			return true
		}
	}
	return false
}
