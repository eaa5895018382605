package terms

import "path/filepath"

// Folders are those from root down to dir; dir alone when it does not lie below root.
func Folders(root, dir string) []string {
	dirs := []string{dir}
	for dir != root && len(dirs) < 64 {
		parent := filepath.Dir(dir)
		if parent == dir {
			return dirs[:1]
		}
		dir = parent
		dirs = append([]string{dir}, dirs...)
	}
	return dirs
}
