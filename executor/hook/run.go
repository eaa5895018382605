package hook

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"sync"
	"time"
)

// Bounds of what a program may write, in bytes, and how long its pipes may stay open after its end.
const (
	maxStdout = 1 << 20
	maxStderr = 64 << 10
	waitDelay = 2 * time.Second
)

// Run starts the hooks that in concerns side by side and waits for all of them, in the order of their definitions. Answers of
// async hooks are read like the others; who asks does not wait for those, see [Split].
func (s *Set) Run(ctx context.Context, in Input, hooks []Hook) []Run {
	runs := make([]Run, len(hooks))
	payload := in.JSON()
	var all sync.WaitGroup
	for i, h := range hooks {
		all.Go(func() { runs[i] = s.one(ctx, h, payload) })
	}
	all.Wait()
	return runs
}

// Split parts hooks into those whose answer is waited for and those whose is not.
func Split(hooks []Hook) (asked, told []Hook) {
	for _, h := range hooks {
		if h.Async {
			told = append(told, h)
		} else {
			asked = append(asked, h)
		}
	}
	return asked, told
}

func (s *Set) one(ctx context.Context, h Hook, payload []byte) Run {
	began := time.Now()
	e := s.start(ctx, h, payload)
	return Run{Hook: h, Ending: e, Answer: Read(h.Event, e), Took: time.Since(began)}
}

// start runs one program. It leads a group of its own, which ends with it when it takes too long.
func (s *Set) start(ctx context.Context, h Hook, payload []byte) Ending {
	limit, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	cmd := exec.CommandContext(limit, s.opts.Shell, "-lc", h.Command)
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.WaitDelay = s.opts.Dir, s.opts.Env, bytes.NewReader(payload), waitDelay
	if cmd.Env == nil {
		cmd.Env = []string{} // nil would be ours
	}
	out, errs := &bounded{limit: maxStdout}, &bounded{limit: maxStderr}
	cmd.Stdout, cmd.Stderr = out, errs
	group(cmd)
	err := cmd.Run()
	e := Ending{Exit: -1, Stdout: out.b.Bytes(), Stderr: errs.b.Bytes()}
	if cmd.ProcessState != nil {
		e.Exit = cmd.ProcessState.ExitCode()
	}
	_, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case ctx.Err() != nil:
		e.Fault = Cancelled
	case limit.Err() != nil:
		e.Fault = Timeout
	case cmd.ProcessState == nil:
		e.Fault, e.Stderr = NotStarted, []byte(err.Error())
	case e.Exit < 0:
		e.Fault = Killed
	case out.over:
		e.Fault = TooLong
	case err != nil && !exited && !errors.Is(err, exec.ErrWaitDelay) && !brokenPipe(err): // its input or output broke
		e.Fault, e.Stderr = Unreadable, []byte(err.Error())
	}
	return e
}

// bounded keeps the beginning of what is written to it.
type bounded struct {
	b     bytes.Buffer
	limit int
	over  bool
}

func (w *bounded) Write(p []byte) (int, error) {
	keep := min(len(p), w.limit-w.b.Len())
	w.b.Write(p[:keep])
	w.over = w.over || keep < len(p)
	return len(p), nil
}
