package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"proctor/bus"
	"proctor/executor"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/internal/redact"
	"proctor/ledger"
)

// share is this process's part in a ledger that several processes use: see package bus.
type share struct {
	dir     string
	service bool              // this process stays
	cluster config.ProctorBus // its URL is empty on one machine
	remote  bool              // Bus is that of the cluster
	reach   *bus.Bus          // to runs elsewhere, beside Bus; nil until needed
	witness witnesses
	env     cli.Env
	log     *slog.Logger
	capture *redact.Capture // nil when nothing is masked before it is recorded
	closing chan struct{}
	work    sync.WaitGroup
	failed  chan struct{} // closed when nothing can be recorded any more
	once    sync.Once
	failure error // set before failed is closed

	mu     sync.Mutex
	own    *ledger.Ledger   // guarded by mu; nil while another process has it
	views  []*ledger.Ledger // opened for reading
	claims []func()
	owning []func(context.Context) // to call when this process becomes the owner later
}

func newShare(env cli.Env, dir string, cluster config.ProctorBus) *share {
	return &share{dir: dir, cluster: cluster, env: env, log: env.Logger(), closing: make(chan struct{}), failed: make(chan struct{})}
}

// join connects s, as the owner if no other process is.
func (s *Store) join(ctx context.Context) (err error) {
	s.Bus, err = bus.Join(ctx, bus.JoinOptions{
		Options: bus.Options{Logger: s.log, Capture: s.asCapture()}, Dir: s.dir, Own: s.takeLedger, Owning: s.owningNow, Service: s.service,
	})
	if err != nil {
		return err
	}
	s.work.Go(func() {
		select {
		case <-s.Bus.Closed():
			s.lost(s.Bus.Err())
		case <-s.closing:
		}
	})
	if s.Ledger = s.owned(); s.Ledger == nil {
		return s.refresh()
	}
	recovered, err := s.recover(ctx)
	s.Recovered = recovered
	return err
}

// takeLedger opens the ledger for this process, see bus.JoinOptions.
func (s *share) takeLedger(context.Context) (bus.Ledger, error) {
	if l := s.owned(); l != nil {
		return l, nil
	}
	l, err := ledger.Open(s.dir, ledger.Options{Logger: s.log})
	switch {
	case errors.Is(err, ledger.ErrInUse):
		return nil, fmt.Errorf("%w: %w", bus.ErrOwned, err)
	case err != nil:
		return nil, err
	}
	s.work.Go(func() {
		select {
		case <-l.Failed():
			s.lost(l.Err())
		case <-s.closing:
		}
	})
	s.witnessing(l)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.own = l
	return l, nil
}

// owned is the ledger if this process has it.
func (s *share) owned() *ledger.Ledger {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.own
}

// whenOwner calls f when this process becomes the owner, now if it is: false then.
func (s *share) whenOwner(f func(context.Context)) (later bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.own != nil {
		return false
	}
	s.owning = append(s.owning, f)
	return true
}

// owningNow follows a takeover: the owner before may have been killed, and with it sessions.
func (s *Store) owningNow(ctx context.Context) {
	recovered, err := s.recover(ctx)
	if err != nil && ctx.Err() == nil {
		s.log.Warn("sessions that were left open could not be closed", "error", err)
	}
	showRecovered(s.env, recovered)
	s.mu.Lock()
	owning := s.owning
	s.owning = nil
	s.mu.Unlock()
	for _, f := range owning {
		f(ctx)
	}
}

// Failed is closed when nothing can be recorded any more; Err then tells why.
func (s *share) Failed() <-chan struct{} { return s.failed }

// Err is nil while events can be recorded.
func (s *share) Err() error {
	select {
	case <-s.failed:
		return s.failure
	default:
		return nil
	}
}

func (s *share) lost(cause error) {
	s.once.Do(func() { s.failure = cause; close(s.failed) })
}

// refresh makes everything visible that has a receipt by now.
func (s *Store) refresh() error {
	if l := s.owned(); l != nil {
		s.Ledger = l
		return nil
	}
	view, err := ledger.OpenReadOnly(s.dir, ledger.Options{Logger: s.log})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Ledger = view
	s.views = append(s.views, view)
	return nil
}

// claim makes this process the one that writes a session.
func (s *share) claim(session string) error {
	release, err := ledger.Claim(s.dir, session)
	if errors.Is(err, ledger.ErrClaimed) {
		return cli.Fail(cli.Failure, fmt.Errorf("session %s cannot go on here: another process runs it now", session))
	}
	if err != nil {
		return notDurable(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.claims = append(s.claims, release)
	return nil
}

// end releases everything, the ledger last of all.
func (s *share) end() error {
	s.lastWitness()
	close(s.closing)
	s.work.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, v := range s.views {
		errs = append(errs, v.Close())
	}
	for _, release := range s.claims {
		release()
	}
	if s.own != nil {
		errs = append(errs, notDurable(s.own.Close()))
	}
	return errors.Join(errs...)
}

// recover closes sessions that were left open and that no process claims: whoever wrote them is gone. Those of a cluster stay open.
func (s *Store) recover(ctx context.Context) (closed []Recovered, err error) {
	if s.cluster.URL != "" { // who runs a session elsewhere cannot be seen from here
		return nil, nil
	}
	l := s.owned()
	sessions, err := l.OpenSessions(ctx)
	if err != nil {
		return nil, err
	}
	for _, open := range sessions {
		id := open.ID
		if open.Originator == "" || reported(open.Originator) {
			continue // no process of ours ran it: its events need not be read
		}
		release, err := ledger.Claim(s.dir, id)
		if errors.Is(err, ledger.ErrClaimed) {
			continue
		}
		if err != nil {
			return closed, err
		}
		calls, ok, err := s.recoverSession(ctx, l, id)
		release()
		if err != nil {
			return closed, err
		}
		if ok {
			closed = append(closed, Recovered{id, calls})
		}
	}
	return closed, nil
}

func (s *Store) recoverSession(ctx context.Context, l *ledger.Ledger, id string) (calls []string, closed bool, err error) {
	state, err := executor.Load(ctx, l, id)
	if err != nil {
		s.log.Warn("a session that was left open could not be closed", "session", id, "error", err)
		return nil, false, nil
	}
	if state == nil || state.Closed || state.Start == nil {
		return nil, false, nil
	}
	stream, err := s.Stream(id, state.Last)
	if err != nil {
		return nil, false, err
	}
	calls, err = executor.Recover(ctx, state, stream)
	return calls, err == nil, err
}

// reported is true for the originator of sessions that others told of: who tells may be still there, and no process claims them.
func reported(originator string) bool { return strings.HasPrefix(originator, "reported:") }

// showRecovered says which sessions were found open and closed.
func showRecovered(env cli.Env, recovered []Recovered) {
	for _, r := range recovered {
		cli.Warn(env, r.String())
	}
}
