package backend

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// SharedState is the [Options].StateDir of all proctor processes of this user, whatever their PROCTOR_HOME: they share workspaces and
// /tmp, so they must see each other's placeholders. It is private where it cannot be had.
func SharedState(private string) string {
	dir := filepath.Join("/var/tmp", fmt.Sprintf("proctor-sandbox-%d", os.Geteuid()))
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return private
	}
	info, err := os.Lstat(dir) // others may write /var/tmp: the folder must be ours, and closed
	if err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 || !owned(info) {
		return private
	}
	return dir
}
