package config

import (
	"encoding/json"
	"fmt"
)

// Access is what a profile grants on a path. The older word none is read as AccessDeny.
type Access string

// The accesses of a filesystem entry.
const (
	AccessRead  Access = "read"
	AccessWrite Access = "write"
	AccessDeny  Access = "deny"
)

// Names of the profiles that need no [permissions] table.
const (
	ProfileReadOnly   = ":read-only"
	ProfileWorkspace  = ":workspace"
	ProfileFullAccess = ":danger-full-access"
)

// PermissionProfile is one [permissions.NAME] table as written; extends is not
// applied yet.
type PermissionProfile struct {
	Description    string            `json:"description"`
	Extends        string            `json:"extends"`
	WorkspaceRoots map[string]bool   `json:"workspace_roots"`
	Filesystem     ProfileFilesystem `json:"filesystem"`
	Network        ProfileNetwork    `json:"network"`
	Managed        bool              `json:"-"` // from requirements
}

// ProfileNetwork is the network part of a profile.
type ProfileNetwork struct {
	Enabled *bool `json:"enabled"` // nil = inherited, and closed at the end
	NetworkProxyTable
}

// ProfileFilesystem are the entries of a profile in file order of no meaning:
// the most specific path wins, and deny beats write beats read.
type ProfileFilesystem struct {
	Entries          []FilesystemEntry
	GlobScanMaxDepth int // 0 = unset
}

// FilesystemEntry grants Access on Path, or on Sub below Path when the file
// nests ("**/*.env" below ":project_roots"). After Load, Path is absolute
// or a special word such as :root, :minimal, :workspace_roots,
// :project_roots, :tmpdir, :slash_tmp.
type FilesystemEntry struct {
	Path   string
	Sub    string // empty = Path itself
	Access Access
}

// UnmarshalJSON reads the table form of a configuration file.
func (f *ProfileFilesystem) UnmarshalJSON(b []byte) error {
	var table map[string]json.RawMessage
	if err := json.Unmarshal(b, &table); err != nil {
		return fmt.Errorf("read filesystem permissions: %w", err)
	}
	*f = ProfileFilesystem{}
	for _, path := range sortedKeys(table) {
		if path == "glob_scan_max_depth" {
			if err := json.Unmarshal(table[path], &f.GlobScanMaxDepth); err != nil {
				return fmt.Errorf("read glob_scan_max_depth: %w", err)
			}
			continue
		}
		if err := f.add(path, table[path]); err != nil {
			return err
		}
	}
	return nil
}

func (f *ProfileFilesystem) add(path string, raw json.RawMessage) error {
	var word string
	if json.Unmarshal(raw, &word) == nil {
		f.Entries = append(f.Entries, FilesystemEntry{Path: path, Access: readAccess(word)})
		return nil
	}
	var nested map[string]string
	if err := json.Unmarshal(raw, &nested); err != nil {
		return fmt.Errorf("read filesystem permissions of %q: %w", path, err)
	}
	for _, sub := range sortedKeys(nested) {
		e := FilesystemEntry{Path: path, Sub: sub, Access: readAccess(nested[sub])}
		if sub == "." {
			e.Sub = ""
		}
		f.Entries = append(f.Entries, e)
	}
	return nil
}

func readAccess(word string) Access {
	if word == "none" {
		return AccessDeny
	}
	return Access(word)
}
