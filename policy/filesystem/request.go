package filesystem

import "path"

// Request is what a person configured, with paths made absolute.
type Request struct {
	Mode Mode
	// WorkspaceRoots are the working directory and further roots of the workspace.
	WorkspaceRoots []string
	// WritableRoots is [sandbox_workspace_write].writable_roots.
	WritableRoots []string
	// AdditionalWritable are --add-dir and grants a reviewer gave.
	AdditionalWritable []string
	// NetworkAccess is [sandbox_workspace_write].network_access; it has no effect in read-only.
	NetworkAccess bool
	// ExcludeTmpdirEnvVar and ExcludeSlashTmp take $TMPDIR and /tmp out of the writable roots.
	ExcludeTmpdirEnvVar, ExcludeSlashTmp bool
	// TmpDir is the value of TMPDIR, or empty.
	TmpDir string
	// ReadOnly takes writing away inside writable roots; DeniedReads hides. Existing canonical paths.
	ReadOnly    []string
	DeniedReads []Denied
}

// ProtectedNames stay read-only at the top of every writable root, also when missing.
func ProtectedNames() []string { return []string{".git", ".agents", ".codex", ".aws"} }

// Candidates lists the roots that r may make writable, in order and without duplicates.
// Facts about each of them are needed by Resolve. Modes without writable roots have none.
func Candidates(r Request) []string {
	if r.Mode != WorkspaceWrite {
		return nil
	}
	all := append([]string(nil), r.WorkspaceRoots...)
	all = append(all, r.WritableRoots...)
	all = append(all, r.AdditionalWritable...)
	if !r.ExcludeSlashTmp {
		all = append(all, "/tmp")
	}
	if !r.ExcludeTmpdirEnvVar && path.IsAbs(r.TmpDir) {
		all = append(all, r.TmpDir)
	}
	seen := map[string]bool{}
	out := all[:0]
	for _, p := range all {
		if path.IsAbs(p) {
			p = path.Clean(p)
		}
		if !seen[p] {
			seen[p] = true
			out = append(out, p)
		}
	}
	return out
}

// Facts is what the disk showed about the candidates of a request.
type Facts struct {
	Roots []RootFacts `json:"roots"`
}

// RootFacts describes one candidate and the protected names at its top.
type RootFacts struct {
	// Asked is the candidate as Candidates returned it; Path is where it really is.
	Asked string `json:"asked"`
	Path  string `json:"path"`
	Kind  Kind   `json:"kind"` // of Path; Missing when it does not exist
	// Entries has one element for each of ProtectedNames when Kind is Dir.
	Entries []Entry `json:"entries,omitempty"`
}

// Entry is what stands under a protected name.
type Entry struct {
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
	// Guards are further canonical paths that decide what Name means: the symlinks on the way,
	// the final target (Missing when dangling), the directory a .git file points to and its common directory.
	Guards []Guard `json:"guards,omitempty"`
}

// Guard is one such path.
type Guard struct {
	Path string `json:"path"`
	Kind Kind   `json:"kind"`
}
