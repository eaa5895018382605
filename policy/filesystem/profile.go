package filesystem

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// Access is what a rule gives on a path and everything below it.
type Access string

// The accesses. At the same path Deny beats Write, and that Read; below, the most specific path wins.
const (
	AccessRead  Access = "read"
	AccessWrite Access = "write"
	AccessDeny  Access = "deny"
)

// Entry is one line of a permission profile.
type Entry struct {
	// Place is an absolute path, a pattern (AccessDeny only), or a word such as :root.
	Place string `json:"place"`
	// Sub is a relative path or pattern below Place; empty means Place itself.
	Sub    string `json:"sub,omitempty"`
	Access Access `json:"access"`
}

// Profile is a permission profile with its extends applied.
type Profile struct {
	Entries []Entry `json:"entries"`
	// WorkspaceRoots are further folders that :workspace_roots stands for.
	WorkspaceRoots []string `json:"workspace_roots,omitempty"`
	// GlobScanMaxDepth is how many folders deep patterns must be expanded, 0 = all of them.
	GlobScanMaxDepth int  `json:"glob_scan_max_depth,omitempty"`
	Network          bool `json:"network,omitempty"`
}

// The words of a profile. Others are kept in files for newer versions and mean nothing here.
const (
	WordRoot           = ":root"
	WordMinimal        = ":minimal"
	WordWorkspaceRoots = ":workspace_roots"
	WordProjectRoots   = ":project_roots" // older name
	WordTmpdir         = ":tmpdir"
	WordSlashTmp       = ":slash_tmp"
)

// KnownWord reports whether a place that begins with a colon means something.
func KnownWord(place string) bool {
	return slices.Contains([]string{WordRoot, WordMinimal, WordWorkspaceRoots, WordProjectRoots, WordTmpdir, WordSlashTmp}, place)
}

// minimalRoots are what :minimal stands for: what programs of the system need to start.
var minimalRoots = []string{"/bin", "/sbin", "/usr", "/etc", "/lib", "/lib64", "/nix/store", "/run/current-system/sw"}

// Overlay is the entries of a profile laid over those it extends: one that names the same place replaces the older.
func Overlay(base, over []Entry) []Entry {
	at := map[[2]string]int{}
	var out []Entry
	for _, e := range slices.Concat(base, over) {
		e = e.normal()
		key := [2]string{e.Place, e.Sub}
		if i, ok := at[key]; ok && i < len(base) {
			out[i] = e
			continue
		}
		at[key] = len(out)
		out = append(out, e)
	}
	return out
}

// normal spells a place in one way.
func (e Entry) normal() Entry {
	switch e.Place {
	case WordProjectRoots:
		e.Place = WordWorkspaceRoots
	case WordRoot:
		e.Place = "/"
	}
	if path.IsAbs(e.Place) && !IsGlob(e.Place) {
		e.Place = path.Clean(e.Place)
	}
	if e.Sub = strings.TrimPrefix(e.Sub, "./"); e.Sub == "." {
		e.Sub = ""
	}
	return e
}

// BuiltIn are the entries of :read-only and :workspace, what a profile may extend; nil for another name.
func BuiltIn(name string) []Entry {
	root := Entry{Place: "/", Access: AccessRead}
	switch name {
	case ":read-only":
		return []Entry{root}
	case ":workspace":
		return []Entry{root, {Place: WordWorkspaceRoots, Access: AccessWrite}, {Place: WordTmpdir, Access: AccessWrite},
			{Place: WordSlashTmp, Access: AccessWrite}}
	}
	return nil
}

// Rule is an entry with its place spelled out.
type Rule struct {
	// Path is absolute and clean, or a pattern (only with AccessDeny).
	Path   string
	Glob   bool
	Access Access
	// Managed: no other rule opens what it closes.
	Managed bool
}

// rules spells an entry out. Words that mean nothing, or nothing now, give none.
func (r Request) rules(e Entry) []Rule {
	e = e.normal()
	var places []string
	switch e.Place {
	case WordMinimal:
		places = minimalRoots
	case WordWorkspaceRoots:
		places = slices.Concat(r.WorkspaceRoots, r.Profile.WorkspaceRoots)
	case WordTmpdir:
		if path.IsAbs(r.TmpDir) && !r.ExcludeTmpdirEnvVar {
			places = []string{r.TmpDir}
		}
	case WordSlashTmp:
		if !r.ExcludeSlashTmp {
			places = []string{"/tmp"}
		}
	default:
		if path.IsAbs(e.Place) {
			places = []string{e.Place}
		}
	}
	var out []Rule
	for _, p := range places {
		rule := Rule{Access: e.Access}
		rule.Path, rule.Glob = below(p, e)
		out = append(out, rule)
	}
	return out
}

// below is the path or pattern of an entry at one of its places. The place of a word is no pattern, whatever its name holds.
func below(place string, e Entry) (p string, glob bool) {
	mayGlob := func(p string) (string, bool) {
		p = strings.TrimSuffix(p, "/**")
		return p, e.Access == AccessDeny && IsGlob(p)
	}
	if e.Sub != "" {
		sub, glob := mayGlob(e.Sub)
		if !glob {
			return path.Join(place, sub), false
		}
		return strings.TrimSuffix(escape(path.Clean(place)), "/") + "/" + sub, true
	}
	if e.Place != place {
		return clean(place), false
	}
	p, glob = mayGlob(place)
	if p == "" {
		p = "/"
	}
	if glob {
		return p, true
	}
	return clean(p), false
}

// clean leaves a relative path alone, to be refused.
func clean(p string) string {
	if path.IsAbs(p) {
		return path.Clean(p)
	}
	return p
}

// escape makes a pattern that matches p alone.
func escape(p string) string {
	var b strings.Builder
	for _, c := range []byte(p) {
		if strings.IndexByte("*?[]{},\\", c) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return b.String()
}

// byStrength orders rules about the same path: the one that decides comes first.
func byStrength(a, b Rule) int {
	strength := map[Access]int{AccessDeny: 0, AccessWrite: 1, AccessRead: 2}
	return cmp.Compare(strength[a.Access], strength[b.Access])
}
