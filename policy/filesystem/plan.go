package filesystem

import (
	"errors"
	"fmt"
	"slices"
)

// Mode is the documented sandbox mode a plan was made from.
type Mode string

// The documented modes; NamedProfile is that of a permission profile, with entries of its own.
const (
	ReadOnly         Mode = "read-only"
	WorkspaceWrite   Mode = "workspace-write"
	DangerFullAccess Mode = "danger-full-access"
	NamedProfile     Mode = "profile"
)

// Network says whether a confined process reaches the network. The zero value is
// not valid in a plan, so a forgotten field never opens it.
type Network string

// The network modes. Proxied reaches a proxy and nothing else.
const (
	NetworkOff     Network = "off"
	NetworkProxied Network = "proxied"
	NetworkOn      Network = "on"
)

// Kind is what stands at a path, without following a symlink.
type Kind string

// The kinds. Other is a device, FIFO or socket.
const (
	Missing Kind = "missing"
	Dir     Kind = "dir"
	File    Kind = "file"
	Symlink Kind = "symlink"
	Other   Kind = "other"
)

// Bounds of a plan.
const (
	MaxRoots  = 256
	MaxDenied = 8192
)

// Plan is what a confined process may touch: pure data, made by Resolve and applied by a sandbox backend.
type Plan struct {
	Mode Mode `json:"mode"`
	// Unconfined means no sandbox at all: every read and write is allowed and only the "none" backend takes it.
	Unconfined bool `json:"unconfined,omitempty"`
	// Writable roots, shallow ones first. A root below another one has its own protected paths.
	Writable []Root `json:"writable,omitempty"`
	// ReadOnly paths take writing away inside a writable root.
	ReadOnly []string `json:"read_only,omitempty"`
	// Linked are files below writable roots with further names (hard links) elsewhere: readable, not writable.
	Linked []string `json:"linked,omitempty"`
	// ReadAll allows every read but DeniedReads; otherwise only Readable and the writable roots may be read.
	ReadAll  bool     `json:"read_all"`
	Readable []string `json:"readable,omitempty"`
	// Links are symlinks on the way to readable paths, which a view without ReadAll must make again.
	Links []Link `json:"links,omitempty"`
	// DeniedReads are canonical paths, globs already expanded. They may be neither read nor written.
	DeniedReads []Denied `json:"denied_reads,omitempty"`
	// DeniedGlobs are the patterns that were expanded, and denied paths that were missing: what is made or renamed
	// later under such a name may be neither read nor written. Mounts cannot see it; see Globs and CheckRead.
	DeniedGlobs []string `json:"denied_globs,omitempty"`
	Network     Network  `json:"network"`
	// Skipped says what was asked for and is not there, and what a bounded search left out.
	Skipped []string `json:"skipped,omitempty"`
}

// Root is one writable directory (or file) and what stays read-only in it.
type Root struct {
	Path      string      `json:"path"`
	Kind      Kind        `json:"kind"`
	Protected []Protected `json:"protected,omitempty"`
}

// Protected is a path that may be read but not written, replaced, removed or,
// when missing, created. A Symlink is protected as the link itself.
type Protected struct {
	Path string `json:"path"`
	Kind Kind   `json:"kind"`
	// Name is the protected name that led here: ".git" for a gitdir as well.
	Name string `json:"name"`
	// Found means that it was found below the top of a root. Once it is gone nothing has to be kept in its place.
	Found bool `json:"found,omitempty"`
}

// Link is a symlink at Path.
type Link struct {
	Path   string `json:"path"`
	Target string `json:"target"`
}

// Denied is a path that may not be read.
type Denied struct {
	Path string `json:"path"`
	Kind Kind   `json:"kind"`
}

// ErrInvalidPlan means that a plan contradicts itself; nothing may run under it.
var ErrInvalidPlan = errors.New("invalid filesystem plan")

// Validate checks what every backend relies on. All problems are reported at once.
func (p Plan) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	switch p.Mode {
	case ReadOnly, WorkspaceWrite, DangerFullAccess, NamedProfile:
	default:
		bad("unknown sandbox mode %q, expected read-only, workspace-write, danger-full-access or profile", p.Mode)
	}
	if p.Network != NetworkOff && p.Network != NetworkProxied && p.Network != NetworkOn {
		bad("unknown network mode %q, expected off, proxied or on", p.Network)
	}
	if p.Unconfined && (p.Mode == ReadOnly || p.Mode == WorkspaceWrite || p.Network != NetworkOn) {
		bad("mode %s with network %s cannot be unconfined", p.Mode, p.Network)
	}
	if p.Mode == ReadOnly && len(p.Writable) > 0 {
		bad("mode read-only with %d writable roots", len(p.Writable))
	}
	if len(p.Writable) > MaxRoots {
		bad("%d writable roots, at most %d", len(p.Writable), MaxRoots)
	}
	if len(p.DeniedReads) > MaxDenied {
		bad("%d denied reads, at most %d", len(p.DeniedReads), MaxDenied)
	}
	if len(p.DeniedGlobs) > MaxGlobs {
		bad("%d denied patterns, at most %d", len(p.DeniedGlobs), MaxGlobs)
	} else if _, err := p.Globs(); err != nil {
		errs = append(errs, err)
	}
	for _, path := range p.Paths() {
		if !canonical(path) {
			bad("path %q is not absolute and clean", path)
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("%w: %w", ErrInvalidPlan, errors.Join(errs...))
	}
	return nil
}

// Paths are all that the plan names, patterns left out.
func (p Plan) Paths() []string {
	out := slices.Concat(p.ReadOnly, p.Readable, p.Linked)
	for _, l := range p.Links {
		out = append(out, l.Path)
	}
	for _, r := range p.Writable {
		out = append(out, r.Path)
		for _, q := range r.Protected {
			out = append(out, q.Path)
		}
	}
	for _, d := range p.DeniedReads {
		out = append(out, d.Path)
	}
	return out
}
