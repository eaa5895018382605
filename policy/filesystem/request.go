package filesystem

import "slices"

// Request is what a person configured, with paths made absolute.
type Request struct {
	Mode Mode
	// WorkspaceRoots are the working directory and further roots of the workspace.
	WorkspaceRoots []string
	// WritableRoots is [sandbox_workspace_write].writable_roots, for that mode alone.
	WritableRoots []string
	// AdditionalWritable are --add-dir and grants a reviewer gave.
	AdditionalWritable []string
	// NetworkAccess is [sandbox_workspace_write].network_access; it has no effect in other modes.
	NetworkAccess bool
	// Proxied: the network that commands have, by mode or profile, is what a proxy lets through. It gives none by itself.
	Proxied bool
	// ExcludeTmpdirEnvVar and ExcludeSlashTmp take $TMPDIR and /tmp out of the writable roots.
	ExcludeTmpdirEnvVar, ExcludeSlashTmp bool
	// TmpDir is the value of TMPDIR, or empty.
	TmpDir string
	// Profile is what the mode NamedProfile means.
	Profile Profile
	// ReadOnly takes writing away inside writable roots, except where a deeper one is asked for. Existing canonical paths.
	ReadOnly []string
	// DeniedReads hides existing canonical paths and Denied paths or patterns; nothing opens what they close.
	DeniedReads []Denied
	Denied      []string
}

// ProtectedNames stay read-only at the top of every writable root, also when missing, and below it where they are there
// at the start.
func ProtectedNames() []string { return []string{".git", ".agents", ".codex", ".aws"} }

// Rules spells r out, without duplicates and in an order of no meaning. Modes are profiles with fixed entries.
func (r Request) Rules() []Rule {
	var out []Rule
	var entries []Entry
	switch r.Mode {
	case ReadOnly:
		entries = BuiltIn(":read-only")
	case WorkspaceWrite:
		entries = BuiltIn(":workspace")
		for _, p := range slices.Concat(r.WritableRoots, r.AdditionalWritable) {
			out = append(out, Rule{Path: clean(p), Access: AccessWrite})
		}
	case NamedProfile:
		entries = r.Profile.Entries
		for _, p := range r.AdditionalWritable {
			out = append(out, Rule{Path: clean(p), Access: AccessWrite})
		}
	case DangerFullAccess:
	}
	for _, e := range entries {
		out = append(out, r.rules(e)...)
	}
	for _, p := range r.Denied {
		rule := Rule{Access: AccessDeny, Managed: true}
		rule.Path, rule.Glob = below(p, Entry{Place: p, Access: AccessDeny})
		out = append(out, rule)
	}
	slices.SortStableFunc(out, func(a, b Rule) int {
		if c := byDepth(a.Path, b.Path); c != 0 {
			return c
		}
		return byStrength(a, b)
	})
	return slices.Compact(out)
}
