package terms

import "path/filepath"

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
