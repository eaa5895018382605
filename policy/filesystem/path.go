package filesystem

import (
	"path"
	"strings"
)

// canonical reports whether p is absolute, clean and free of NUL, as mount calls need it.
func canonical(p string) bool {
	return strings.HasPrefix(p, "/") && path.Clean(p) == p && !strings.ContainsRune(p, 0)
}

// Within reports whether p is dir or lies below it. Both must be absolute and clean.
func Within(p, dir string) bool {
	if dir == "/" {
		return strings.HasPrefix(p, "/")
	}
	return p == dir || strings.HasPrefix(p, dir+"/")
}

// Depth is the number of names in p: 0 for "/".
func Depth(p string) int {
	if p == "/" {
		return 0
	}
	return strings.Count(p, "/")
}
