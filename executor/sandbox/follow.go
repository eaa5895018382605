package sandbox

import (
	"os"
	"path/filepath"
	"strings"

	"proctor/policy/filesystem"
)

// maxHops is the kernel's own limit on symlinks in one lookup (path_resolution(7)).
const maxHops = 40

// follow walks path as the kernel does and returns every symlink it passes, each at its canonical place, then the
// final target. When a component is missing or no directory, that component is the last element; a loop ends in
// one of its links.
func follow(path string) ([]filesystem.Guard, error) {
	var out []filesystem.Guard
	at, rest, hops := "/", split(path), 0
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		if name == "." {
			continue
		}
		if name == ".." {
			at = filepath.Dir(at)
			continue
		}
		next := filepath.Join(at, name)
		kind, err := KindOf(next)
		if err != nil {
			return nil, err
		}
		switch kind {
		case filesystem.Missing:
			return append(out, filesystem.Guard{Path: next, Kind: kind}), nil
		case filesystem.Symlink:
			out = append(out, filesystem.Guard{Path: next, Kind: kind})
			if hops++; hops == maxHops {
				return out, nil
			}
			target, err := os.Readlink(next)
			if err != nil {
				return nil, err
			}
			if filepath.IsAbs(target) {
				at = "/"
			}
			rest = append(split(target), rest...)
		case filesystem.Dir:
			at = next
		default:
			return append(out, filesystem.Guard{Path: next, Kind: kind}), nil
		}
	}
	kind, err := KindOf(at)
	if err != nil {
		return nil, err
	}
	return append(out, filesystem.Guard{Path: at, Kind: kind}), nil
}

func split(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}
