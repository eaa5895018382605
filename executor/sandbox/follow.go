package sandbox

import (
	"os"
	"path/filepath"
	"strings"

	"proctor/policy/filesystem"
)

// maxHops is the kernel's own limit on symlinks in one lookup (path_resolution(7)).
const maxHops = 40

// follow is the way of walk.
func follow(path string) ([]filesystem.Guard, error) {
	way, _, err := walk(path)
	return way, err
}

// walk follows path as the kernel does and returns every symlink it passes, each at its canonical place, then the
// final target. When a component is missing or no directory, that component is the last element, and rest the names that
// come after it; a loop ends in one of its links.
func walk(path string) (out []filesystem.Guard, rest []string, err error) {
	at, hops := "/", 0
	rest = split(path)
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
			return nil, nil, err
		}
		switch kind {
		case filesystem.Missing:
			return append(out, filesystem.Guard{Path: next, Kind: kind}), rest, nil
		case filesystem.Symlink:
			out = append(out, filesystem.Guard{Path: next, Kind: kind})
			if hops++; hops == maxHops {
				return out, rest, nil
			}
			target, err := os.Readlink(next)
			if err != nil {
				return nil, nil, err
			}
			if filepath.IsAbs(target) {
				at = "/"
			}
			rest = append(split(target), rest...)
		case filesystem.Dir:
			at = next
		default:
			return append(out, filesystem.Guard{Path: next, Kind: kind}), rest, nil
		}
	}
	kind, err := KindOf(at)
	if err != nil {
		return nil, nil, err
	}
	return append(out, filesystem.Guard{Path: at, Kind: kind}), nil, nil
}

func split(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}
