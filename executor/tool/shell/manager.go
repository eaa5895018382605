package shell

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"proctor/executor/sandbox"
	"proctor/executor/tool"
)

// Manager owns the processes of a session. It is safe for concurrent use.
// Lock order: Manager.mu before process.mu.
type Manager struct {
	o      Options
	ctx    context.Context // of the processes; ended by Close
	cancel context.CancelFunc
	work   sync.WaitGroup // one per started process

	mu     sync.Mutex // guards the fields below
	closed bool
	nextID int
	all    map[*process]bool // starting, running, or ended and not yet answered
	byID   map[int]*process  // those in the background
}

// errBusy means that MaxRunning processes are there.
var errBusy = errors.New("too many commands are running")

// New makes a Manager; Close it.
func New(o Options) (*Manager, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Manager{o: o, ctx: ctx, cancel: cancel, nextID: o.FirstID, all: map[*process]bool{}, byID: map[int]*process{}}, nil
}

// Tools are exec_command and write_stdin. Closing one of them closes the Manager.
func (m *Manager) Tools() []tool.Tool { return []tool.Tool{execTool{m}, stdinTool{m}} }

// Close kills all processes and waits until they are gone and their observers know, or ctx ends.
// Nothing can be started afterwards. It may be called more than once.
func (m *Manager) Close(ctx context.Context) error {
	m.mu.Lock()
	m.closed = true
	left := make([]*process, 0, len(m.all))
	for p := range m.all {
		p.doom()
		left = append(left, p)
	}
	m.mu.Unlock()
	m.cancel() // kills: a backend ends its processes with the context
	for _, p := range left {
		select {
		case <-p.ended:
		case <-ctx.Done():
			return fmt.Errorf("close shell tools: %d commands were killed and not all of them are gone yet: %w", len(left), ctx.Err())
		}
	}
	m.work.Wait() // follow has nothing left to do
	return nil
}

// start runs a command under the grant.
func (m *Manager) start(g tool.Grant, o tool.Observer, spec sandbox.Spec) (*process, error) {
	p := &process{tty: spec.TTY, unconfined: g.Plan.Unconfined, observer: o, started: time.Now(), ended: make(chan struct{})}
	if err := m.enter(p); err != nil {
		return nil, err
	}
	defer m.work.Done()
	spec.OnOutput, spec.OnDenial = p.output, p.denied
	spec.OnChange, spec.ChangeRoots = tool.Changes(o), tool.ChangeRoots(g.Plan, spec.Env)
	running, err := g.Backend.Start(m.ctx, spec)
	if err != nil {
		m.forget(p)
		close(p.ended)
		return nil, err
	}
	p.running = running
	m.work.Go(p.follow)
	return p, nil
}

// enter makes room for p and counts it, so that Close waits for it.
func (m *Manager) enter(p *process) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return tool.ErrClosed
	}
	if len(m.all) >= m.o.MaxRunning && !m.evict() {
		return fmt.Errorf("%w: %d; wait for one with write_stdin, or end one", errBusy, m.o.MaxRunning)
	}
	m.all[p] = true
	m.work.Add(1)
	return nil
}

// evict drops the oldest process that ended without anybody asking again. It is called with the lock held.
func (m *Manager) evict() bool {
	var oldest *process
	for _, p := range m.byID {
		select {
		case <-p.ended:
			if oldest == nil || p.id < oldest.id {
				oldest = p
			}
		default:
		}
	}
	if oldest == nil {
		return false
	}
	m.drop(oldest)
	return true
}

func (m *Manager) forget(p *process) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop(p)
}

// drop is called with the lock held.
func (m *Manager) drop(p *process) {
	delete(m.all, p)
	delete(m.byID, p.id)
}

// settle answers for p. A process that still runs goes to the background with a session id, one that ended is forgotten.
// Whether it runs is decided once: an answer with a session id is followed by Observer.Ended, one with an exit code of
// a command that was never in the background is not.
func (m *Manager) settle(p *process, tokens int, start time.Time) tool.Result {
	if r, runs := m.background(p, tokens, start); runs {
		return r
	}
	<-p.ended
	m.forget(p)
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.take(tokens, start)
}

func (m *Manager) background(p *process, tokens int, start time.Time) (tool.Result, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.exit != nil {
		return tool.Result{}, false
	}
	if p.id == 0 {
		p.id = m.nextID
		m.nextID++
		m.byID[p.id] = p
	}
	return p.take(tokens, start), true
}

// find is the background process with a session id, or nil.
func (m *Manager) find(id int) *process {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.byID[id]
}

// tokens is the output budget of a call; asked is negative when not given.
func (m *Manager) tokens(asked int) int {
	if asked < 0 {
		asked = tool.DefaultOutputTokens
	}
	return min(asked, m.o.MaxOutputTokens)
}
