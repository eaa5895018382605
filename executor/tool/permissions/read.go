package permissions

import (
	"os"
	"slices"

	"proctor/event"
	"proctor/executor/tool"
	"proctor/executor/tool/canonical"
)

// MaxPaths bounds the paths to read, and those to write, of one request.
const MaxPaths = 64

// Schema is the JSON Schema of the object that Read reads.
const Schema = `{"type": "object", "additionalProperties": false, "properties": {
        "network": {"type": "object", "additionalProperties": false, "properties": {"enabled": {"type": "boolean"}}, "description": "Network access."},
        "file_system": {"type": "object", "additionalProperties": false, "properties": {
          "read": {"type": "array", "items": {"type": "string"}, "description": "Existing paths to read."},
          "write": {"type": "array", "items": {"type": "string"}, "description": "Existing paths to read and write."}}}}}`

// Read takes the permissions out of field; paths are relative to dir. Mistakes are noted in a. Something must be asked for.
func Read(a *tool.Arguments, field, dir string) event.Permissions {
	var p event.Permissions
	o := a.Object(field)
	if o == nil {
		a.Fail(field, "missing; expected an object with network or file_system")
		return p
	}
	o.Only("network", "file_system")
	if n := o.Object("network"); n != nil {
		n.Only("enabled")
		p.Network = n.Bool("enabled", false)
		o.Merge(n)
	}
	if f := o.Object("file_system"); f != nil {
		f.Only("read", "write")
		p.Read, p.Write = paths(f, "read", dir), paths(f, "write", dir)
		o.Merge(f)
	}
	a.Merge(o)
	if a.Err() == nil && p.IsZero() {
		a.Fail(field, "asks for nothing; expected network.enabled true, or paths")
	}
	return p
}

func paths(a *tool.Arguments, field, dir string) []string {
	list := a.Texts(field)
	if len(list) > MaxPaths {
		a.Fail(field, "has %d paths, at most %d are allowed; ask for the folder above", len(list), MaxPaths)
		return nil
	}
	var out []string
	for _, path := range list {
		at, err := canonical.Target(dir, path)
		if err == nil {
			_, err = os.Lstat(at)
		}
		if err != nil {
			a.Fail(field, "%v; expected an existing path", err)
			continue
		}
		out = append(out, at)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
