//go:build linux

package sandbox

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox/survey"
	"proctor/policy/filesystem"
)

// protecting bounds the search below writable roots, which every start pays for; what is beyond is as open as below any
// folder that a command makes, and the plan says so. hiding bounds the expansion of patterns: beyond it nothing may run.
var (
	protecting = survey.Bounds{Folders: 10_000, Entries: 100_000, Time: 100 * time.Millisecond}
	hiding     = survey.Bounds{Entries: 2_000_000, Time: 30 * time.Second}
)

// maxFound bounds the protected names below the top of roots: each is a mount, and a mount for each folder on the way.
const maxFound = 256

func (g *gathering) survey(r filesystem.Request) error {
	g.searchRoots(r)
	if err := g.expand(r.Profile.GlobScanMaxDepth); err != nil {
		return err
	}
	for _, id := range slices.SortedFunc(maps.Keys(g.shared), func(a, b inode) int {
		return cmp.Or(cmp.Compare(a.device, b.device), cmp.Compare(a.number, b.number))
	}) {
		s := g.shared[id]
		slices.Sort(s.Names)
		s.Names = slices.Compact(s.Names)
		g.facts.Shared = append(g.facts.Shared, *s)
	}
	return nil
}

// searchRoots looks for protected names and files with several names below the writable roots, the workspace first. Temporary
// folders are left out: every start would pay for what all programs of the machine leave there.
func (g *gathering) searchRoots(r filesystem.Request) {
	first := func(root string) int { return slices.Index(r.WorkspaceRoots, root) }
	lasting := slices.DeleteFunc(slices.Clone(g.roots), func(p string) bool { return g.temporary(r, p) })
	roots := slices.DeleteFunc(slices.Clone(lasting), func(p string) bool { return coveredByRoot(p, lasting) })
	slices.SortStableFunc(roots, func(a, b string) int { return -cmp.Compare(first(a), first(b)) })
	report := survey.Walk(roots, protecting, func(f survey.Folder, e survey.Entry) bool {
		path := filepath.Join(f.Path, e.Name)
		switch {
		case slices.Contains(filesystem.ProtectedNames(), e.Name):
			if !slices.Contains(g.roots, f.Path) { // those at the top are known
				g.noteFound(path)
			}
			return false
		case e.Type == survey.File:
			if st, err := f.Stat(e.Name); err == nil && st.Nlink > 1 {
				g.noteShared(path, st)
			}
			return false
		case slices.Contains(g.closed, path):
			return false
		}
		return true
	})
	if report.StoppedAt != "" {
		g.skip("the search for protected names and hard links stopped at %s", report.StoppedAt)
	}
	if more := len(g.facts.Found) - maxFound; more > 0 {
		g.facts.Found = g.facts.Found[:maxFound]
		g.skip("%d more protected names below writable roots are not protected", more)
	}
}

// temporary reports whether root is writable only as a temporary folder, not because somebody named it.
func (g *gathering) temporary(r filesystem.Request, root string) bool {
	asked := false
	for _, p := range g.facts.Places {
		if p.Path != root {
			continue
		}
		if slices.Contains(slices.Concat(r.WorkspaceRoots, r.WritableRoots, r.AdditionalWritable), p.Asked) {
			return false
		}
		asked = asked || p.Asked == "/tmp" || p.Asked == filepath.Clean(r.TmpDir)
	}
	return asked
}

func coveredByRoot(p string, roots []string) bool {
	return slices.ContainsFunc(roots, func(r string) bool { return r != p && filesystem.Within(p, r) })
}

func (g *gathering) noteFound(path string) {
	if found, err := gatherFound(path); err == nil && found.Kind != filesystem.Missing {
		g.facts.Found = append(g.facts.Found, found)
	}
}

func (g *gathering) noteShared(path string, st unix.Stat_t) {
	id := inode{st.Dev, st.Ino}
	s := g.shared[id]
	if s == nil {
		s = &filesystem.Shared{Links: int(min(st.Nlink, math.MaxInt32))}
		g.shared[id] = s
	}
	s.Names = append(s.Names, path)
}

// noteDenied remembers a denied file that has further names.
func (g *gathering) noteDenied(path string) (shared bool) {
	var st unix.Stat_t
	if unix.Lstat(path, &st) != nil || st.Nlink < 2 {
		return false
	}
	g.noteShared(path, st)
	return true
}

func (g *gathering) skip(format string, args ...any) {
	g.facts.Skipped = append(g.facts.Skipped, fmt.Sprintf(format, args...))
}

// addGlob remembers a pattern, at the place where its fixed part really is as well.
func (g *gathering) addGlob(pattern string) error {
	glob, err := filesystem.CompileGlob(pattern)
	if err != nil {
		return err
	}
	base, err := locate(glob.Base())
	if err != nil {
		return err
	}
	g.facts.Places = append(g.facts.Places, base)
	if base.Path != base.Asked {
		if glob, err = glob.Rebase(base.Path); err != nil {
			return err
		}
	}
	g.globs = append(g.globs, glob)
	return nil
}

// expand finds what stands under denied patterns.
func (g *gathering) expand(depth int) error {
	if len(g.globs) == 0 {
		return nil
	}
	var bases []string
	for _, glob := range g.globs {
		base := glob.Base()
		if glob.Matches(base) { // the pattern is one path
			base = filepath.Dir(base)
		}
		if !slices.ContainsFunc(bases, func(b string) bool { return filesystem.Within(base, b) }) {
			bases = slices.DeleteFunc(bases, func(b string) bool { return filesystem.Within(b, base) })
			bases = append(bases, base)
		}
	}
	shared := false
	report := survey.Walk(bases, hiding, func(f survey.Folder, e survey.Entry) bool {
		path := filepath.Join(f.Path, e.Name)
		if !g.denied(path) {
			return true
		}
		shared = g.noteMatch(path, e) || shared
		return false
	})
	if report.StoppedAt != "" && (depth == 0 || report.Depth < depth) {
		return fmt.Errorf("expand denied patterns: stopped at %s after %d entries or %v, so not all that they deny is hidden and nothing is run; "+
			"name a folder in the pattern, or set glob_scan_max_depth", report.StoppedAt, hiding.Entries, hiding.Time)
	}
	if report.StoppedAt != "" {
		g.skip("the expansion of denied patterns stopped at %s, beyond glob_scan_max_depth", report.StoppedAt)
	}
	if shared {
		g.nameShared(bases)
	}
	return nil
}

func (g *gathering) denied(path string) bool {
	return slices.ContainsFunc(g.globs, func(glob filesystem.Glob) bool { return glob.Matches(path) })
}

// noteMatch reports whether the match is a file with further names.
func (g *gathering) noteMatch(path string, e survey.Entry) (shared bool) {
	m := filesystem.Match{Path: path, Kind: kinds[e.Type]}
	switch e.Type {
	case survey.Symlink:
		if way, rest, err := walk(path); err == nil && len(rest) == 0 {
			if final := way[len(way)-1]; final.Kind != filesystem.Missing && final.Kind != filesystem.Symlink {
				m.Target = &final
			}
		}
	case survey.File:
		shared = g.noteDenied(path)
	default:
	}
	g.facts.Matches = append(g.facts.Matches, m)
	return shared
}

var kinds = map[survey.Type]filesystem.Kind{survey.Dir: filesystem.Dir, survey.File: filesystem.File,
	survey.Symlink: filesystem.Symlink, survey.Other: filesystem.Other}

// nameShared looks below the bases for further names of shared files.
func (g *gathering) nameShared(bases []string) {
	numbers := map[uint64]bool{}
	for id := range g.shared {
		numbers[id.number] = true
	}
	survey.Walk(bases, hiding, func(f survey.Folder, e survey.Entry) bool {
		if e.Type != survey.File || !numbers[e.Inode] {
			return true
		}
		if st, err := f.Stat(e.Name); err == nil && g.shared[inode{st.Dev, st.Ino}] != nil {
			g.noteShared(filepath.Join(f.Path, e.Name), st)
		}
		return true
	})
}
