package netproxy

import (
	"maps"
	"path"
	"path/filepath"

	"proctor/policy/egress"
)

// socketField is the request field that names a Unix socket as destination.
const socketField = "X-Unix-Socket"

// realPath follows the symbolic links of a path as far as it exists. A path that is not absolute and clean stays as it is:
// policy refuses it.
func realPath(name string) string {
	if len(name) > maxSocketPath || !path.IsAbs(name) || path.Clean(name) != name {
		return name
	}
	rest := ""
	for dir := name; ; dir = path.Dir(dir) {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			return path.Join(real, rest)
		}
		if dir == "/" {
			return name
		}
		rest = path.Join(path.Base(dir), rest)
	}
}

// maxSocketPath is in bytes; the kernel's own bound is 108.
const maxSocketPath = 1024

// realSockets adds to each listed path the one it leads to when the policy is made: a link that is changed later does not
// change what was allowed.
func realSockets(c egress.Config) egress.Config {
	c.UnixSockets = realTable(c.UnixSockets)
	if c.Managed != nil {
		m := *c.Managed
		m.UnixSockets = realTable(m.UnixSockets)
		c.Managed = &m
	}
	return c
}

func realTable(listed map[string]string) map[string]string {
	if len(listed) == 0 {
		return listed
	}
	out := maps.Clone(listed)
	for name, verdict := range listed {
		real := realPath(name)
		if out[real] != "deny" {
			out[real] = verdict
		}
	}
	return out
}
