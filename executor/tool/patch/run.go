package patch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"proctor/event"
	"proctor/executor/sandbox"
	"proctor/executor/tool"
	"proctor/executor/tool/canonical"
	"proctor/policy/filesystem"
)

// deniedError is a write that the plan refuses.
type deniedError struct {
	path   string
	reason filesystem.Reason
}

func (e *deniedError) Error() string {
	return fmt.Sprintf("writing %s is not allowed (%s)", e.path, e.reason)
}

// Run implements tool.Proposal. Between two files it looks whether ctx ended; what is changed by then stays changed.
func (p *proposal) Run(ctx context.Context, g tool.Grant, o tool.Observer) (tool.Result, error) {
	if err := g.Check(p.Action()); err != nil {
		return tool.Result{}, err
	}
	p.t.mu.Lock()
	defer p.t.mu.Unlock()
	start := p.t.options.Now()
	r := run{ctx: ctx, plan: g.Plan, o: o, now: p.t.options.Now, edits: append([]edit(nil), p.edits...)}
	err := r.all()
	res := tool.Result{Success: err == nil, Denials: r.denials, Changes: r.changes, Duration: p.t.options.Now().Sub(start)}
	if err != nil {
		res.Output = r.failure(err)
		return res, ctx.Err()
	}
	seconds := math.Round(res.Duration.Seconds()*10) / 10
	res.Output = fmt.Sprintf("Exit code: 0\nWall time: %v seconds\nOutput:\n%s", seconds, success(r.edits))
	return res, nil
}

// run carries one patch out.
type run struct {
	ctx     context.Context
	plan    filesystem.Plan
	o       tool.Observer
	now     func() time.Time
	edits   []edit
	denials int
	changes []tool.Change
}

// all checks everything, stages everything, and then replaces file by file.
func (r *run) all() error {
	if err := r.check(); err != nil {
		return err
	}
	staged := make([]*canonical.Staged, len(r.edits))
	defer func() {
		for _, s := range staged {
			if s != nil {
				s.Discard()
			}
		}
	}()
	for i := range r.edits {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		e := &r.edits[i]
		if e.op.Kind == Delete {
			continue
		}
		s, err := canonical.Stage(e.to, []byte(e.after), e.info, r.permit)
		if err != nil {
			return err
		}
		staged[i] = s
	}
	for i := range r.edits {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		s := staged[i]
		staged[i] = nil // Commit gives it back either way
		if err := r.commit(&r.edits[i], s); err != nil {
			return err
		}
	}
	return nil
}

// check asks the plan about every path and reads every file, before anything is written.
func (r *run) check() error {
	var problems []error
	for i := range r.edits {
		e := &r.edits[i]
		var refused error
		for _, path := range e.paths() {
			refused = errors.Join(refused, r.permit(path))
		}
		if refused == nil {
			refused = e.read()
		}
		if refused != nil {
			problems = append(problems, refused)
		}
	}
	return errors.Join(problems...)
}

// permit asks the plan; a refusal is told to the observer.
func (r *run) permit(path string) error {
	v := r.plan.CheckWrite(path)
	if v.Allowed {
		return nil
	}
	r.denials++
	r.o.Denied(sandbox.Denial{
		At: r.now(), PID: os.Getpid(), Program: Name, Syscall: "rename", Path: path, Access: "write", Rule: string(v.Reason),
	})
	return &deniedError{path, v.Reason}
}

func (r *run) commit(e *edit, s *canonical.Staged) error {
	if s != nil {
		if err := s.Commit(); err != nil {
			return err
		}
	}
	if e.op.Kind == Delete || e.to != e.from {
		if err := canonical.Remove(e.from); err != nil {
			if s != nil { // the new file stands already
				r.tell(e)
			}
			return err
		}
	}
	r.tell(e)
	return nil
}

// tell reports a change that was made.
func (r *run) tell(e *edit) {
	r.changes = append(r.changes, e.summary())
	text, cut := unified(e)
	c := event.FileChangePayload{Path: e.from, Change: string(e.op.Kind), Bytes: int64(len(e.after)), Diff: event.Secret(text), Cut: cut}
	if e.to != e.from {
		c.MoveTo = e.to
	}
	if e.existed {
		c.Before = digest(e.before)
	}
	if e.op.Kind != Delete {
		c.After = digest(e.after)
	}
	r.o.Changed(c)
}

func digest(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

// failure is what the model reads when the patch was not carried out, or not to its end.
func (r *run) failure(err error) string {
	var b strings.Builder
	if _, denied := errors.AsType[*deniedError](err); denied {
		b.WriteString("patch rejected: ")
	} else {
		b.WriteString("apply_patch failed: ")
	}
	b.WriteString(err.Error())
	if len(r.changes) == 0 {
		b.WriteString("\nNo file was changed.")
		return b.String()
	}
	b.WriteString("\nThe patch stopped half way. Already changed:\n")
	for _, c := range r.changes {
		fmt.Fprintf(&b, "%s %s\n", letters[OpKind(c.Kind)], c.Path)
	}
	return b.String()
}

var letters = map[OpKind]string{Add: "A", Change: "M", Delete: "D"}

// success lists the files as the patch names them: added, modified, deleted.
func success(edits []edit) string {
	var b strings.Builder
	b.WriteString("Success. Updated the following files:\n")
	for _, kind := range []OpKind{Add, Change, Delete} {
		for _, e := range edits {
			if e.op.Kind != kind {
				continue
			}
			path := e.op.Path
			if e.op.MoveTo != "" {
				path = e.op.MoveTo
			}
			fmt.Fprintf(&b, "%s %s\n", letters[kind], path)
		}
	}
	return b.String()
}
