package execserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
	"unicode/utf8"

	"proctor/event"
	"proctor/executor/sandbox"
	"proctor/executor/tool"
	"proctor/executor/tool/canonical"
	"proctor/policy/filesystem"
)

// maxShown bounds the new content of a file in the action that is decided about, in bytes; of more there is the digest alone.
const maxShown = 256 << 10

// edit is one change of a file or directory, as a proposal.
type edit struct {
	action event.Action
	narrow func(filesystem.Plan) filesystem.Plan
	// unresolved is what is wrong with the way to the place: it is told once the change is allowed.
	unresolved error
	do         func(e *edit) error

	// plan, observer, denials and err belong to Run.
	plan     filesystem.Plan
	observer tool.Observer
	denials  int
	changes  []tool.Change
	err      error
}

// Action implements tool.Proposal.
func (e *edit) Action() event.Action { return e.action }

// Narrow implements tool.Narrowed.
func (e *edit) Narrow(p filesystem.Plan) filesystem.Plan {
	if e.narrow == nil {
		return p
	}
	return e.narrow(p)
}

// Run implements tool.Proposal.
func (e *edit) Run(_ context.Context, g tool.Grant, o tool.Observer) (tool.Result, error) {
	if err := g.Check(e.action); err != nil {
		return tool.Result{}, err
	}
	began := time.Now()
	e.plan, e.observer = g.Plan, o
	if e.err = e.unresolved; e.err == nil {
		e.err = e.do(e)
	}
	r := tool.Result{Success: e.err == nil, Denials: e.denials, Changes: e.changes, Duration: time.Since(began)}
	if e.err != nil {
		r.Output = e.err.Error()
	}
	return r, e.err
}

var errPlan = errors.New("is not allowed")

// permit asks the plan; a refusal is told to the observer.
func (e *edit) permit(path string) error {
	v := e.plan.CheckWrite(path)
	if v.Allowed {
		return nil
	}
	e.denials++
	e.observer.Denied(sandbox.Denial{
		At: time.Now(), PID: os.Getpid(), Program: e.action.Tool, Syscall: "rename", Path: path, Access: "write", Rule: string(v.Reason),
	})
	return fmt.Errorf("writing %s %w (%s)", path, errPlan, v.Reason)
}

// put writes a file and tells the change.
func (e *edit) put(path string, content []byte) error {
	if _, err := os.Lstat(filepath.Dir(path)); err != nil {
		return err // its directory is not made on the way, as Codex expects
	}
	before, info, err := canonical.ReadFile(path, maxFile)
	existed := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	staged, err := canonical.Stage(path, content, info, e.permit)
	if err != nil {
		return err
	}
	if err := staged.Commit(); err != nil {
		return err
	}
	change := event.FileChangePayload{Path: path, Change: "add", After: digest(content), Bytes: int64(len(content))}
	if existed {
		change.Change, change.Before = "update", digest(before)
	}
	e.tell(change)
	return nil
}

func (e *edit) tell(change event.FileChangePayload) {
	e.changes = append(e.changes, tool.Change{Path: change.Path, Kind: change.Change})
	e.observer.Changed(change)
}

// asked is the action of a request about files: its method and parameters, and what it is about.
func asked(m message, details map[string]any, files ...string) event.Action {
	b, _ := json.Marshal(details) // texts and numbers always have a JSON form
	return event.Action{Kind: event.ActionPatch, Tool: m.Method, Files: files, Arguments: string(b)}
}

// change is work that changes files, after the change before it.
func (c *connection) change(m message, i *intent, e *edit) work {
	c.mu.Lock()
	before, after := c.edits, make(chan struct{})
	c.edits = after
	c.looks++
	id := fmt.Sprintf("fs-%d", c.looks)
	c.mu.Unlock()
	return func(ctx context.Context) (any, *callError, error) {
		defer close(after)
		select {
		case <-before:
		case <-ctx.Done():
			return nil, nil, context.Cause(ctx)
		}
		s, leave, err := c.enter(ctx, "", i.workspace())
		if err != nil {
			return nil, nil, err
		}
		defer leave()
		if e.narrow, err = s.narrow(i); err != nil {
			return nil, fault(codeParams, "%s: %v", m.Method, err), nil
		}
		outcome, err := s.Calls.Direct(ctx, id, m.Method, e)
		switch {
		case err != nil:
			return nil, nil, err
		case outcome.Refused != nil:
			return nil, fault(codeRequest, "proctor refused it (%s): %s", outcome.Refused.Reason, outcome.Message), nil
		case e.err != nil:
			return nil, fileFault(e.err), nil
		case !outcome.Tool.Success:
			return nil, fault(codeInternal, "%s was not carried out: %v", m.Method, outcome.Failure), nil
		}
		return done, nil, nil
	}
}

func (c *connection) writeFile(m message) work {
	q, bad := params[pathParams](m)
	if bad != nil {
		return refuse(bad)
	}
	to, bad := placeOf(q.Path, true)
	if bad == nil && len(q.Data) > maxFile {
		bad = fault(codeParams, "fs/writeFile: %d bytes, at most %d are allowed", len(q.Data), maxFile)
	}
	if bad != nil {
		return refuse(bad)
	}
	action := asked(m, map[string]any{"bytes": len(q.Data), "sha256": digest(q.Data)}, to.at)
	if len(q.Data) <= maxShown && utf8.Valid(q.Data) {
		action.Patch = string(q.Data)
	}
	return c.change(m, q.Sandbox, &edit{action: action, unresolved: to.unresolved, do: func(e *edit) error { return e.put(to.at, q.Data) }})
}

func (c *connection) createDirectory(m message) work {
	q, bad := params[pathParams](m)
	if bad != nil {
		return refuse(bad)
	}
	to, bad := placeOf(q.Path, true)
	if bad != nil {
		return refuse(bad)
	}
	return c.change(m, q.Sandbox, &edit{action: asked(m, map[string]any{"recursive": q.Recursive}, to.at), unresolved: to.unresolved, do: func(e *edit) error {
		return canonical.MakeDir(to.at, q.Recursive, e.permit)
	}})
}

func (c *connection) remove(m message) work {
	q, bad := params[pathParams](m)
	if bad != nil {
		return refuse(bad)
	}
	to, bad := placeOf(q.Path, false)
	if bad != nil {
		return refuse(bad)
	}
	return c.change(m, q.Sandbox, &edit{action: asked(m, map[string]any{"recursive": q.Recursive, "force": q.Force}, to.at), unresolved: to.unresolved, do: func(e *edit) error {
		err := e.take(to.at)
		if q.Force && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}})
}

// take removes a file, a link or an empty directory, and tells the change.
func (e *edit) take(at string) error {
	if err := e.permit(at); err != nil {
		return err
	}
	info, err := canonical.Stat(at)
	if err != nil {
		return err
	}
	if info.Type.IsDir() {
		return canonical.RemoveDir(at) // what is in it is removed by a command, which is confined
	}
	before, _, err := canonical.ReadFile(at, maxFile)
	change := event.FileChangePayload{Path: at, Change: "delete"}
	if err == nil {
		change.Before = digest(before)
	}
	if err := canonical.Remove(at); err != nil {
		return err
	}
	e.tell(change)
	return nil
}

func (c *connection) copyFile(m message) work {
	q, bad := params[copyParams](m)
	if bad != nil {
		return refuse(bad)
	}
	from, bad := placeOf(q.Source, true)
	if bad != nil {
		return refuse(bad)
	}
	to, bad := placeOf(q.Destination, true)
	if bad != nil {
		return refuse(bad)
	}
	return c.change(m, q.Sandbox, &edit{action: asked(m, map[string]any{"source": from.at}, to.at), unresolved: to.unresolved, do: func(e *edit) error {
		if at, v := e.plan.CheckReadThrough(from.through, from.at); !v.Allowed {
			return fmt.Errorf("reading %s %w (%s)", at, errPlan, v.Reason)
		}
		if from.unresolved != nil {
			return from.unresolved
		}
		content, _, err := canonical.ReadFile(from.at, maxFile)
		if err != nil {
			return err
		}
		return e.put(to.at, content)
	}})
}

// place is where a URI leads, and through which links, as far as that is known. unresolved is why no further: only who may be there is told.
type place struct {
	at         string
	through    []string
	unresolved error
}

// placeOf resolves the last name too if last is set.
func placeOf(uri string, last bool) (place, *callError) {
	path, bad := pathOf(uri)
	if bad != nil {
		return place{}, bad
	}
	at, through, err := canonical.Follow("/", path, last)
	if at == "" {
		return place{}, fileFault(err)
	}
	return place{at, through, err}, nil
}
