package install

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxFile bounds a file of the configuration, in bytes.
const maxFile = 8 << 20

// kept is what stood in a file, and what was written there.
type kept struct {
	Was     []byte `json:"was"`
	Existed bool   `json:"existed"`
	Wrote   []byte `json:"wrote"`
}

// Change is one file before and after; nil is none.
type Change struct {
	Path        string
	Now, Wanted []byte
}

// Read is what the files that an installation may touch hold.
func Read(w Want) (map[string][]byte, error) {
	paths := []string{filepath.Join(w.Home, Environments), filepath.Join(w.Home, Hooks), filepath.Join(w.Home, Config)}
	if w.Managed != "" {
		paths = append(paths, w.Managed)
	}
	now := map[string][]byte{}
	for _, path := range paths {
		b, err := read(path)
		if err != nil {
			return nil, err
		}
		if b != nil {
			now[path] = b
		}
	}
	return now, nil
}

func read(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case len(b) > maxFile:
		return nil, fmt.Errorf("%s has more than %d bytes", path, maxFile)
	case b == nil:
		return []byte{}, nil
	}
	return b, nil
}

// Changes are the files that a plan changes.
func Changes(now, wanted map[string][]byte) []Change {
	var out []Change
	for _, path := range slices.Sorted(maps.Keys(wanted)) {
		if have, ok := now[path]; !ok || !bytes.Equal(have, wanted[path]) {
			out = append(out, Change{path, now[path], wanted[path]})
		}
	}
	return out
}

// Apply keeps what stands in the files and writes them, each in one step.
func Apply(home string, changes []Change) error {
	record, err := load(home)
	if err != nil {
		return err
	}
	for _, c := range changes {
		k, ours := record[c.Path]
		if !ours || !bytes.Equal(k.Wrote, c.Now) { // first time, or somebody changed it: what is not ours is what stood there
			was, err := foreign(c.Path, c.Now)
			if err != nil {
				return err
			}
			if !ours {
				was = c.Now
			}
			k = kept{Was: was, Existed: c.Now != nil}
		}
		k.Wrote = c.Wanted
		record[c.Path] = k
	}
	if err := save(home, record); err != nil {
		return err
	}
	for _, c := range changes {
		if err := write(c.Path, c.Wanted); err != nil {
			return err
		}
	}
	return nil
}

// Undone are the changes that put everything back.
func Undone(home string) ([]Change, error) {
	record, err := load(home)
	if err != nil {
		return nil, err
	}
	var out []Change
	for _, path := range slices.Sorted(maps.Keys(record)) {
		now, err := read(path)
		if err != nil {
			return nil, err
		}
		k := record[path]
		switch {
		case now == nil: // somebody removed it
		case !bytes.Equal(now, k.Wrote):
			rest, err := foreign(path, now)
			if err != nil {
				return nil, err
			}
			out = append(out, Change{path, now, rest})
		case k.Existed:
			out = append(out, Change{path, now, append([]byte{}, k.Was...)})
		default:
			out = append(out, Change{path, now, nil})
		}
	}
	return out, nil
}

// Undo makes those changes and forgets the installation.
func Undo(home string, changes []Change) error {
	for _, c := range changes {
		var err error
		if c.Wanted == nil {
			err = os.Remove(c.Path)
		} else {
			err = write(c.Path, c.Wanted)
		}
		if err != nil {
			return err
		}
	}
	err := os.Remove(filepath.Join(home, Record))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// foreign is a file without what is ours.
func foreign(path string, now []byte) ([]byte, error) {
	if filepath.Base(path) != Hooks {
		return StripBlock(now)
	}
	f, err := readHooks(now)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f.with(f.without())
}

func load(home string) (map[string]kept, error) {
	record := map[string]kept{}
	path := filepath.Join(home, Record)
	b, err := read(path)
	if err == nil && b != nil {
		err = json.Unmarshal(b, &record)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: what was installed: %w", path, err)
	}
	return record, nil
}

func save(home string, record map[string]kept) error {
	b, err := json.Marshal(record)
	if err != nil {
		return err
	}
	return write(filepath.Join(home, Record), b)
}

// write replaces a file in one step; its mode stays.
func write(path string, text []byte) error {
	if at, err := filepath.EvalSymlinks(path); err == nil {
		path = at
	}
	mode := os.FileMode(0o600)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	} else if filepath.Base(path) == "requirements.toml" {
		mode = 0o644
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".proctor-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// Diff shows a change by lines.
func (c Change) Diff() string {
	old, new := lines(c.Now), lines(c.Wanted)
	a := 0
	for a < len(old) && a < len(new) && old[a] == new[a] {
		a++
	}
	z := 0
	for z < len(old)-a && z < len(new)-a && old[len(old)-1-z] == new[len(new)-1-z] {
		z++
	}
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s\n+++ %s\n@@ line %d @@\n", c.Path, c.Path, a+1)
	for _, line := range old[a : len(old)-z] {
		b.WriteString("-" + line + "\n")
	}
	for _, line := range new[a : len(new)-z] {
		b.WriteString("+" + line + "\n")
	}
	return b.String()
}

func lines(text []byte) []string {
	if len(text) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}
