package sandbox

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"

	"proctor/policy/filesystem"
)

// gitPointerLimit bounds what is read of a .git or commondir file, in bytes.
const gitPointerLimit = 8192

// gatherFound looks at a protected name and at what decides about its meaning.
func gatherFound(path string) (filesystem.Found, error) {
	e := filesystem.Found{Path: path, Name: filepath.Base(path)}
	var err error
	if e.Kind, err = KindOf(path); err != nil {
		return e, err
	}
	final := filesystem.Guard{Path: path, Kind: e.Kind}
	if e.Kind == filesystem.Symlink {
		if e.Guards, err = follow(path); err != nil {
			return e, err
		}
		final = e.Guards[len(e.Guards)-1]
	}
	if e.Name != ".git" || final.Kind == filesystem.Missing {
		return e, nil
	}
	more, err := gitGuards(final)
	e.Guards = append(e.Guards, more...)
	return e, err
}

// gitGuards follows a .git pointer file ("gitdir: DIR", see gitrepository-layout) to the directory it names, and
// a git directory to its common directory (linked worktrees).
func gitGuards(at filesystem.Guard) ([]filesystem.Guard, error) {
	var out []filesystem.Guard
	if at.Kind == filesystem.File {
		target, ok := readPointer(at.Path, "gitdir:")
		if !ok {
			return nil, nil
		}
		guards, err := follow(absolute(target, filepath.Dir(at.Path)))
		if err != nil {
			return nil, err
		}
		out, at = guards, guards[len(guards)-1]
	}
	if at.Kind != filesystem.Dir {
		return out, nil
	}
	if target, ok := readPointer(filepath.Join(at.Path, "commondir"), ""); ok {
		guards, err := follow(absolute(target, at.Path))
		if err != nil {
			return nil, err
		}
		out = append(out, guards...)
	}
	return out, nil
}

func absolute(p, dir string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return dir + "/" + p
}

func readPointer(path, prefix string) (string, bool) {
	if kind, err := KindOf(path); err != nil || kind != filesystem.File {
		return "", false
	}
	f, err := os.Open(path)
	if err != nil {
		return "", false
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, gitPointerLimit))
	if err != nil {
		return "", false
	}
	rest, ok := bytes.CutPrefix(b, []byte(prefix))
	target := strings.TrimSpace(string(rest))
	return target, ok && target != "" && !strings.ContainsRune(target, 0)
}
