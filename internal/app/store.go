package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"proctor/bus"
	"proctor/event"
	"proctor/executor"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/ledger"
)

// Store is the ledger with the bus in front of it.
type Store struct {
	Ledger *ledger.Ledger
	Bus    *bus.Bus
	// Recovered are sessions that a killed process had left open, closed by Open.
	Recovered []Recovered

	detach func()
}

// Recovered is one session that Open closed.
type Recovered struct {
	Session     string
	Interrupted []string // call ids
}

// Patience is how long Open waits for another process to release the ledger.
type Patience time.Duration

const (
	// Reader gives up soon: a person waits.
	Reader = Patience(10 * time.Second)
	// Runner waits its turn: a pipeline that starts two runs at once wants both.
	Runner = Patience(24 * time.Hour)

	lockPoll = 50 * time.Millisecond
	// lockSilence is how long waiting goes without a word.
	lockSilence = time.Second
)

// Open opens the ledger of cfg for this process. Only a Runner creates one. While
// another process has it, Open waits, and says so on standard error.
func Open(ctx context.Context, env Env, cfg *config.Config, patience Patience) (*Store, error) {
	log := env.Logger()
	if dir := cfg.Proctor.Ledger.Dir; patience == Reader && !ledger.Exists(dir) {
		return nil, fail(NotDurable, fmt.Errorf("no ledger at %s: nothing was recorded there; set PROCTOR_HOME to where it is, or run 'proctor exec' first", dir))
	}
	l, err := openLedger(ctx, env, cfg.Proctor.Ledger.Dir, ledger.Options{Logger: log}, time.Duration(patience))
	if err != nil {
		return nil, notDurable(err)
	}
	s := &Store{Ledger: l}
	if err := s.start(ctx, log); err != nil {
		return nil, errors.Join(notDurable(err), s.Close(ctx))
	}
	return s, nil
}

func openLedger(ctx context.Context, env Env, dir string, opts ledger.Options, patience time.Duration) (*ledger.Ledger, error) {
	began, told := time.Now(), false
	for {
		l, err := ledger.Open(dir, opts)
		waited := time.Since(began)
		if !errors.Is(err, ledger.ErrInUse) || waited > patience {
			return l, err
		}
		if waited > lockSilence && !told {
			told = true
			cli.Warn(env, err.Error()+"; waiting for it to end (runs that should go on side by side need a PROCTOR_HOME each)")
		}
		select {
		case <-time.After(lockPoll):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (s *Store) start(ctx context.Context, log *slog.Logger) error {
	b, err := bus.Start(bus.Options{Logger: log})
	if err != nil {
		return err
	}
	s.Bus = b
	if s.detach, err = b.Attach(s.Ledger); err != nil {
		return err
	}
	return s.recover(ctx, log)
}

// recover closes sessions that were left open. This process owns the ledger, so whoever wrote them is gone.
func (s *Store) recover(ctx context.Context, log *slog.Logger) error {
	sessions, err := s.Ledger.OpenSessions(ctx)
	if err != nil {
		return err
	}
	for _, id := range sessions {
		state, err := executor.Load(ctx, s.Ledger, id)
		if err != nil {
			log.Warn("a session that was left open could not be closed", "session", id, "error", err)
			continue
		}
		if state == nil || state.Closed || state.Start == nil {
			continue
		}
		stream, err := s.Stream(id, state.Last)
		if err != nil {
			return err
		}
		calls, err := executor.Recover(ctx, state, stream)
		if err != nil {
			return err
		}
		s.Recovered = append(s.Recovered, Recovered{id, calls})
	}
	return nil
}

var errNoSession = errors.New("the ledger holds no session yet; run 'proctor exec' or 'proctor demo' first")

// LastSession is the id of the run that was active last.
func (s *Store) LastSession(ctx context.Context) (string, error) {
	info, err := s.Ledger.LastSession(ctx)
	if errors.Is(err, ledger.ErrUnknownSession) {
		return "", errNoSession
	}
	return info.ID, err
}

// LastSessionIn is the id of the conversation in a folder that was active last.
func (s *Store) LastSessionIn(ctx context.Context, cwd string) (string, error) {
	sessions, err := s.Ledger.Sessions(ctx)
	if err != nil {
		return "", err
	}
	if len(sessions) == 0 {
		return "", errNoSession
	}
	var last ledger.SessionInfo
	for _, info := range sessions {
		if info.Cwd == cwd && info.Model != "" && info.Originator != runOriginator && (last.ID == "" || info.Last > last.Last) {
			last = info
		}
	}
	if last.ID == "" {
		return "", fmt.Errorf("the ledger holds no session of folder %s; 'proctor ledger ls' lists all, and resume takes an id", cwd)
	}
	return last.ID, nil
}

// SystemSession holds what belongs to no run: export gaps and the like.
const SystemSession = "system"

// Stream continues the numbering of a session.
func (s *Store) Stream(session string, last uint64) (*event.Stream, error) {
	return event.NewStream(session, last, "", "", s.Bus, time.Now)
}

// Close flushes nothing of a stream: flush those first.
func (s *Store) Close(ctx context.Context) error {
	var errs []error
	if s.detach != nil {
		s.detach()
	}
	if s.Bus != nil {
		errs = append(errs, s.Bus.Close(ctx))
	}
	if err := s.Ledger.Close(); err != nil {
		errs = append(errs, notDurable(err))
	}
	return errors.Join(errs...)
}

func notDurable(err error) error {
	if err == nil || errors.Is(err, ErrInterrupted) || errors.Is(err, ErrTerminated) || errors.Is(err, ErrTimeLimit) {
		return err
	}
	return fail(NotDurable, fmt.Errorf("ledger: %w", err))
}
