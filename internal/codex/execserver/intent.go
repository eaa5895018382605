package execserver

import (
	"encoding/json"
	"fmt"
	"path"

	"proctor/policy/filesystem"
)

// intent is the sandbox that Codex states for one request. A null one is no sandbox at all.
type intent struct {
	Permissions struct {
		Type       string `json:"type"` // managed, disabled
		FileSystem struct {
			Type    string        `json:"type"` // restricted, unrestricted
			Entries []intentEntry `json:"entries"`
		} `json:"file_system"`
		Network string `json:"network"` // restricted, enabled
	} `json:"permissions"`
	WorkspaceRoots []string `json:"workspaceRoots"`
	Cwd            string   `json:"cwd"`
}

type intentEntry struct {
	Path struct {
		Type    string          `json:"type"` // special, path, glob_pattern
		Path    string          `json:"path"`
		Pattern string          `json:"pattern"`
		Value   json.RawMessage `json:"value"` // of special: {kind, subpath}
	} `json:"path"`
	Access string `json:"access"` // read, write, none
}

// unconfined reports whether Codex wants no sandbox.
func (i *intent) unconfined() bool { return i == nil || i.Permissions.Type == "disabled" }

// roots are the folders that Codex works in.
func (i *intent) roots() []string {
	if i == nil {
		return nil
	}
	var out []string
	for _, uri := range i.WorkspaceRoots {
		if at, bad := pathOf(uri); bad == nil {
			out = append(out, at)
		}
	}
	if len(out) == 0 && i.Cwd != "" {
		if at, bad := pathOf(i.Cwd); bad == nil {
			out = append(out, at)
		}
	}
	return out
}

// workspace is the folder that the client works in, or empty.
func (i *intent) workspace() string {
	if roots := i.roots(); len(roots) > 0 {
		return roots[0]
	}
	return ""
}

// words are the special places of Codex as profiles name them.
var words = map[string]string{
	"root": filesystem.WordRoot, "minimal": filesystem.WordMinimal, "project_roots": filesystem.WordWorkspaceRoots,
	"tmpdir": filesystem.WordTmpdir, "slash_tmp": filesystem.WordSlashTmp,
}

var accesses = map[string]filesystem.Access{"read": filesystem.AccessRead, "write": filesystem.AccessWrite, "none": filesystem.AccessDeny, "deny": filesystem.AccessDeny}

// request is the sandbox as a permission profile. What is not understood is an error: it may take something away.
func (i *intent) request(workspace, tmpdir string) (filesystem.Request, error) {
	r := filesystem.Request{Mode: filesystem.NamedProfile, WorkspaceRoots: i.roots(), TmpDir: tmpdir}
	if len(r.WorkspaceRoots) == 0 {
		r.WorkspaceRoots = []string{workspace}
	}
	p := i.Permissions
	if p.Type != "managed" {
		return r, fmt.Errorf("sandbox of type %q; expected managed", clip(p.Type, 40))
	}
	switch p.Network {
	case "enabled":
		r.Profile.Network = true
	case "restricted", "":
	default:
		return r, fmt.Errorf("network %q of the sandbox; expected restricted or enabled", clip(p.Network, 40))
	}
	switch p.FileSystem.Type {
	case "unrestricted":
		r.Profile.Entries = []filesystem.Entry{{Place: filesystem.WordRoot, Access: filesystem.AccessWrite}}
		return r, nil
	case "restricted":
	default:
		return r, fmt.Errorf("file system of type %q in the sandbox; expected restricted or unrestricted", clip(p.FileSystem.Type, 40))
	}
	for n, e := range p.FileSystem.Entries {
		entry, known, err := e.entry()
		if err != nil {
			return r, fmt.Errorf("entry %d of the sandbox: %w", n, err)
		}
		if known {
			r.Profile.Entries = append(r.Profile.Entries, entry)
		}
	}
	return r, nil
}

// entry is e in a profile. Places that mean nothing here give nothing either, and are left out unless they take something away.
func (e intentEntry) entry() (out filesystem.Entry, known bool, err error) {
	access, ok := accesses[e.Access]
	if !ok {
		return out, false, fmt.Errorf("access %q; expected read, write or none", clip(e.Access, 40))
	}
	out.Access = access
	switch e.Path.Type {
	case "path":
		out.Place = e.Path.Path
		if at, bad := pathOf(e.Path.Path); bad == nil {
			out.Place = at
		}
		if !path.IsAbs(out.Place) {
			return out, false, fmt.Errorf("path %q is not absolute", clip(out.Place, 200))
		}
		return out, true, nil
	case "glob_pattern":
		out.Place = e.Path.Pattern
		return out, true, nil
	case "special":
		var v struct {
			Kind    string `json:"kind"`
			Subpath string `json:"subpath"`
		}
		if err := json.Unmarshal(e.Path.Value, &v); err != nil {
			return out, false, fmt.Errorf("special place: %w", err)
		}
		out.Place, known = words[v.Kind]
		out.Sub = v.Subpath
		if !known && access != filesystem.AccessWrite {
			return out, false, fmt.Errorf("special place %q is not known", clip(v.Kind, 40))
		}
		return out, known, nil
	}
	return out, false, fmt.Errorf("path of type %q; expected path, glob_pattern or special", clip(e.Path.Type, 40))
}
