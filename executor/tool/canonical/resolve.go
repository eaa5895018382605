package canonical

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	// maxPath bounds a path in bytes (PATH_MAX of Linux).
	maxPath = 4096
	// maxLinks bounds the symbolic links on the way, as the kernel does.
	maxLinks = 40
)

// Parent makes path absolute below dir and resolves the links in every name but the last: for creating and removing.
// Names that do not exist yet stay as they are. Nothing is created. With an error comes the path as far as it is known, for who must decide
// whether the error may be told; it is empty when path is no path.
func Parent(dir, path string) (string, error) {
	at, _, err := Follow(dir, path, false)
	return at, err
}

// Target is Parent that also resolves the last name: for reading and changing what is there.
func Target(dir, path string) (string, error) {
	at, _, err := Follow(dir, path, true)
	return at, err
}

// Follow is Target, or Parent unless last is set, with the places of the symbolic links on the way, in the order in which they are followed: who may not
// look at one of these must not learn where it leads, or that it is there.
func Follow(dir, path string, last bool) (at string, links []string, err error) {
	abs, err := absolute(dir, path)
	if err != nil {
		return "", nil, err
	}
	if last || abs == "/" {
		return resolve(abs)
	}
	parent, links, err := resolve(filepath.Dir(abs))
	return filepath.Join(parent, filepath.Base(abs)), links, err
}

func absolute(dir, path string) (string, error) {
	switch {
	case path == "":
		return "", errors.New("path is empty")
	case strings.ContainsRune(path, 0):
		return "", errors.New("path has a NUL character")
	case !filepath.IsAbs(path):
		path = filepath.Join(dir, path)
	}
	if path = filepath.Clean(path); len(path) > maxPath {
		return "", fmt.Errorf("path has %d bytes, at most %d are allowed", len(path), maxPath)
	}
	return path, nil
}

// resolve walks an absolute clean path and replaces links by what they name, as far as it gets.
func resolve(path string) (at string, links []string, err error) {
	done, rest := "/", strings.Split(strings.TrimPrefix(path, "/"), "/")
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			done = filepath.Dir(done)
			continue
		}
		next := filepath.Join(done, name)
		known := filepath.Join(append([]string{next}, rest...)...)
		info, err := os.Lstat(next)
		if errors.Is(err, fs.ErrNotExist) { // what follows cannot be a link
			return known, links, nil
		}
		if err != nil {
			return known, links, err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			done = next
			continue
		}
		if links = append(links, next); len(links) > maxLinks {
			return known, links, fmt.Errorf("resolve %s: more than %d symbolic links on the way", path, maxLinks)
		}
		to, err := os.Readlink(next)
		if err != nil {
			return known, links, err
		}
		if filepath.IsAbs(to) {
			done = "/"
		}
		rest = append(strings.Split(to, "/"), rest...)
	}
	return done, links, nil
}
