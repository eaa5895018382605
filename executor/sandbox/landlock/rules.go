//go:build linux

package landlock

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"syscall"

	"proctor/policy/filesystem"
)

// rule grants rights on a path and all below it.
type rule struct {
	Path   string
	Access access
}

// ruleset is what a command may reach, and what the rules could not say.
type ruleset struct {
	rules []rule
	// Unlisted directories may be read by the plan, but not be listed, since something in them stays closed.
	unlisted []string
}

// rulesFor grants the reads of a plan. No right to change files is granted, but for a few devices: the broker makes changes.
func rulesFor(p filesystem.Plan, list func(string) ([]entry, error)) (ruleset, error) {
	files, err := cover(append(readMarks(p, true), mark{path: "/dev"}), list, maxRules)
	if err != nil {
		return ruleset{}, err
	}
	dirs, err := cover(readMarks(p, false), list, maxRules)
	if err != nil {
		return ruleset{}, err
	}
	byPath := map[string]access{}
	for _, g := range files.grant {
		byPath[g] |= readFile
	}
	for _, g := range dirs.grant {
		byPath[g] |= readDir
	}
	for _, d := range deviceNames() {
		byPath[d] |= device
	}
	out := ruleset{unlisted: dirs.unlisted}
	for path, access := range byPath {
		out.rules = append(out.rules, rule{path, access})
	}
	slices.SortFunc(out.rules, func(a, b rule) int { return cmp.Compare(a.Path, b.Path) })
	return out, nil
}

// readMarks are the reads of a plan. A denied file keeps its directory from being granted for reading files, but its
// name may be listed.
func readMarks(p filesystem.Plan, files bool) []mark {
	marks := []mark{{"/", p.ReadAll}}
	for _, r := range p.Readable {
		marks = append(marks, mark{r, true})
	}
	for _, r := range p.Writable {
		marks = append(marks, mark{r.Path, true})
	}
	for _, d := range p.DeniedReads {
		if files || d.Kind == filesystem.Dir || d.Kind == filesystem.Missing {
			marks = append(marks, mark{d.Path, false})
		}
	}
	if !p.ReadAll {
		marks = append(marks, mark{"/proc", true})
	}
	return marks
}

// listDir reads a directory for cover. What vanished, or may not be read, has nothing to grant.
func listDir(dir string) ([]entry, error) {
	list, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.ENOTDIR):
		return nil, nil
	case err != nil:
		return nil, err
	}
	out := make([]entry, 0, len(list))
	for _, e := range list {
		one := entry{name: e.Name(), dir: e.IsDir(), link: e.Type()&fs.ModeSymlink != 0}
		if info, err := e.Info(); err == nil && !one.dir {
			if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Nlink > 1 {
				one.id = fmt.Sprintf("%d:%s", st.Dev, strconv.FormatUint(st.Ino, 10))
			}
		}
		out = append(out, one)
	}
	return out, nil
}
