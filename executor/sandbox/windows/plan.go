package windows

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"proctor/executor/sandbox"
	"proctor/policy/filesystem"
)

// Plan is what confines a command: pure data.
type Plan struct {
	Token Token `json:"token"`
	Job   Job   `json:"job"`
	// Changes are made in order before the command starts, and taken back in reverse order after its end.
	Changes []Change `json:"changes,omitempty"`
	// Gaps are in what this confines less, or more, than the plan says.
	Gaps []string `json:"gaps"`
}

// Token says how the user's token is restricted.
type Token struct {
	// Keep are the privileges that stay.
	Keep []string `json:"keep_privileges"`
	// DenyOnly groups count for refusals only.
	DenyOnly []string `json:"deny_only"`
	// Restricting identities: one of them must be granted an access as well as the user.
	Restricting []string `json:"restricting"`
}

// Job says how the job object is limited; 0 is no limit.
type Job struct {
	KillOnClose bool  `json:"kill_on_close"`
	Processes   int   `json:"processes,omitempty"`
	Memory      int64 `json:"memory_bytes,omitempty"`
	// Closed are the powers over the desktop that are taken away.
	Closed []string `json:"closed"`
}

// Access is what an entry of an access list is about.
type Access string

// The accesses. Modify is writing, creating, removing and renaming.
const (
	Read   Access = "read"
	Modify Access = "change"
)

// Change is one entry added to the access list of a path, inherited by everything below when it is a folder.
type Change struct {
	Path     string `json:"path"`
	Identity string `json:"identity"`
	Allow    bool   `json:"allow"`
	Access   Access `json:"access"`
	// Make an empty folder first, which is removed afterwards when it is still empty.
	Make bool `json:"make,omitempty"`
}

// Well-known identities (SDDL names of Windows).
const (
	everyone       = "S-1-1-0"
	users          = "S-1-5-32-545"
	administrators = "S-1-5-32-544"
	powerUsers     = "S-1-5-32-547"
)

// NewPlan plans the confinement of p under limits. What a token cannot do is refused with sandbox.ErrUnsupported.
func NewPlan(p filesystem.Plan, limits sandbox.Limits) (Plan, error) {
	if err := p.Validate(); err != nil {
		return Plan{}, err
	}
	switch {
	case p.Unconfined:
		return Plan{}, fmt.Errorf("%w: an unconfined plan needs no restricted token", sandbox.ErrUnsupported)
	case p.Network != filesystem.NetworkOn:
		return Plan{}, fmt.Errorf("%w: a restricted token cannot close the network; set sandbox_workspace_write.network_access = true with "+
			"sandbox_mode = \"workspace-write\", or use WSL2", sandbox.ErrUnsupported)
	case len(p.DeniedGlobs) > 0:
		return Plan{}, fmt.Errorf("%w: patterns of denied paths (%s, ...) cannot be kept by access lists; list the paths", sandbox.ErrUnsupported, p.DeniedGlobs[0])
	case len(p.Writable)+len(p.Readable) > filesystem.MaxRoots:
		return Plan{}, fmt.Errorf("%w: more than %d roots", sandbox.ErrUnsupported, filesystem.MaxRoots)
	}
	self := Identity(p)
	out := Plan{
		Token: Token{Keep: []string{"SeChangeNotifyPrivilege"}, DenyOnly: []string{administrators, powerUsers}, Restricting: []string{everyone, users, self}},
		Job: Job{KillOnClose: true, Processes: limits.Processes, Memory: limits.Memory,
			Closed: []string{"desktop", "display settings", "exit windows", "global atoms", "handles", "read clipboard", "system parameters", "write clipboard"}},
		Gaps: []string{"the network is open", "files of the user's profile outside the roots cannot be read", "files that everyone may write can be written"},
	}
	grant := func(path string, a Access) {
		out.Changes = append(out.Changes, Change{Path: path, Identity: self, Allow: true, Access: a})
	}
	for _, r := range p.Readable {
		grant(r, Read)
	}
	for _, r := range p.Writable {
		grant(r.Path, Modify)
		for _, q := range r.Protected {
			out.deny(q.Path, self, Modify, q.Kind == filesystem.Missing)
		}
	}
	for _, ro := range slices.Concat(p.ReadOnly, p.Readable, p.Linked) {
		out.deny(ro, self, Modify, false)
	}
	for _, d := range p.DeniedReads {
		if d.Kind != filesystem.Missing {
			out.deny(d.Path, self, Read, false)
		}
	}
	return out, nil
}

// deny takes an access away from the plan's identity. An entry of a path itself comes before inherited ones, so it holds
// whatever the root above grants.
func (p *Plan) deny(path, identity string, a Access, create bool) {
	p.Changes = append(p.Changes, Change{Path: path, Identity: identity, Access: a, Make: create})
}

// Identity is made from the writable roots of a plan, so that two commands with the same roots can work on each other's files and
// others cannot. It has the form of a capability (S-1-15-3-1024 and eight numbers of a hash), which no account has.
func Identity(p filesystem.Plan) string {
	h := sha256.New()
	for _, r := range p.Writable {
		_, _ = fmt.Fprintf(h, "%d:%s\n", len(r.Path), strings.ToLower(r.Path)) // names differ in case only to people
	}
	sum := h.Sum(nil)
	id := "S-1-15-3-1024"
	for i := range 8 {
		id += fmt.Sprintf("-%d", binary.LittleEndian.Uint32(sum[4*i:]))
	}
	return id
}
