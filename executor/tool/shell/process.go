package shell

import (
	"context"
	"sync"
	"time"

	"proctor/executor/sandbox"
	"proctor/executor/tool"
)

// process is one command that was started.
type process struct {
	tty        bool
	unconfined bool
	observer   tool.Observer
	started    time.Time
	running    sandbox.Process // set before any other goroutine may use it
	ended      chan struct{}   // closed when the process ended and a background observer knows

	input sync.Mutex // held while input is written, so that writes do not mix

	mu      sync.Mutex  // guards the fields below
	id      int         // session id; not 0 once it went to the background
	fresh   tool.Buffer // output since the last answer
	all     tool.Buffer
	denials int
	dropped int // denials and changes that were not told, set with exit
	omitted int
	backend string // set with exit
	exact   bool   // set with exit
	exit    *int   // set when it ended
	took    time.Duration
	killed  bool   // by us
	setup   error  // the confinement could not be built after all: nothing was run
	blocked string // what the proxy refused, for the model; set with exit
	endedBy string // the refusal for which it was ended
}

// output is sandbox.Spec.OnOutput.
func (p *process) output(s sandbox.Stream, b []byte) {
	p.mu.Lock()
	_, _ = p.fresh.Write(b)
	_, _ = p.all.Write(b)
	p.mu.Unlock()
	p.observer.Output(s, b)
}

// denied is sandbox.Spec.OnDenial.
func (p *process) denied(d sandbox.Denial) {
	p.mu.Lock()
	p.denials += d.Count
	p.mu.Unlock()
	p.observer.Denied(d)
}

// follow waits for the end, tells the observer of a background process, and closes ended.
func (p *process) follow() {
	defer close(p.ended)
	r := p.running.Wait()
	p.mu.Lock()
	code := r.ExitCode
	p.exit, p.took, p.setup = &code, time.Since(p.started), r.SetupError
	p.denials = max(p.denials, r.Denials+r.DenialsDropped)
	p.dropped, p.omitted = r.DenialsDropped, r.ChangesOmitted
	p.backend, p.exact = r.Backend, r.DenialsExact
	p.blocked, p.endedBy = blocked(r), r.EndedBy
	background := p.id != 0
	p.mu.Unlock()
	if background {
		p.observer.Ended(p.final())
	}
}

// final is the result of an ended background process. It leaves the fresh output to write_stdin.
func (p *process) final() tool.Result {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.result()
	r.Output, r.Truncated = answer(&p.all, tool.DefaultOutputTokens, p.took, 0, p.exit)
	r.Output += p.blocked
	return r
}

// take is the answer to a call that waited since start: the fresh output, once. It is called with the lock held.
func (p *process) take(tokens int, start time.Time) tool.Result {
	r := p.result()
	r.Duration = time.Since(start)
	r.Output, r.Truncated = answer(&p.fresh, tokens, r.Duration, r.Running, p.exit)
	p.fresh.Reset()
	if p.exit != nil {
		r.Output += p.blocked
	}
	if p.endedBy != "" {
		r.Output = processFailed(p.endedBy)
	}
	return r
}

// result is called with the lock held.
func (p *process) result() tool.Result {
	r := tool.Result{Success: !p.killed && p.setup == nil, Denials: p.denials, DenialsDropped: p.dropped, ChangesOmitted: p.omitted, Backend: p.backend, Exact: p.exact, Duration: p.took, Aggregated: p.all.String()}
	if p.exit == nil {
		r.Running = p.id
		return r
	}
	if p.setup == nil {
		code := *p.exit
		if p.endedBy != "" {
			code, r.Success = -1, false // as Codex tells it
		}
		r.ExitCode = &code
	}
	return r
}

// failed is the reason why nothing was run, or nil.
func (p *process) failed() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.setup
}

// wait returns when the process ended, the time is over, or ctx ended, which is the error.
func (p *process) wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.ended:
		return nil
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// doom marks a process that we are about to kill, unless it ended before.
func (p *process) doom() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killed = p.killed || p.exit == nil
}
