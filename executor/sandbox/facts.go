package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"proctor/policy/filesystem"
)

// gitPointerLimit bounds what is read of a .git or commondir file, in bytes.
const gitPointerLimit = 8192

// Plan gathers the facts for r from the disk and resolves it.
func Plan(r filesystem.Request) (filesystem.Plan, error) {
	facts, err := Gather(r)
	if err != nil {
		return filesystem.Plan{}, err
	}
	return filesystem.Resolve(r, facts)
}

// Gather looks at every root that r may make writable and at the protected names in it.
// Missing roots are facts, not errors; a root that cannot be examined is an error.
func Gather(r filesystem.Request) (filesystem.Facts, error) {
	var facts filesystem.Facts
	for _, asked := range filesystem.Candidates(r) {
		f, err := gatherRoot(asked)
		if err != nil {
			return filesystem.Facts{}, fmt.Errorf("examine writable root %q: %w", asked, err)
		}
		facts.Roots = append(facts.Roots, f)
	}
	return facts, nil
}

func gatherRoot(asked string) (filesystem.RootFacts, error) {
	f := filesystem.RootFacts{Asked: asked, Kind: filesystem.Missing}
	real, err := filepath.EvalSymlinks(asked)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return f, err
	}
	f.Path = real
	if f.Kind, err = KindOf(real); err != nil || f.Kind != filesystem.Dir {
		return f, err
	}
	for _, name := range filesystem.ProtectedNames() {
		e, err := gatherEntry(real, name)
		if err != nil {
			return f, fmt.Errorf("protected name %s: %w", name, err)
		}
		f.Entries = append(f.Entries, e)
	}
	return f, nil
}

func gatherEntry(root, name string) (filesystem.Entry, error) {
	e := filesystem.Entry{Name: name}
	path := filepath.Join(root, name)
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
	if name != ".git" || final.Kind == filesystem.Missing {
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

// KindOf says what stands at path now, without following a symlink.
func KindOf(path string) (filesystem.Kind, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return filesystem.Missing, nil
	}
	if err != nil {
		return "", err
	}
	switch mode := info.Mode(); {
	case mode.IsDir():
		return filesystem.Dir, nil
	case mode.IsRegular():
		return filesystem.File, nil
	case mode&os.ModeSymlink != 0:
		return filesystem.Symlink, nil
	default:
		return filesystem.Other, nil
	}
}
