package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"proctor/bus"
	"proctor/event"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/ledger"
)

// Store is the ledger with the bus in front of it, of this process or of another one that shares it.
type Store struct {
	// Ledger is what is read: the ledger itself where this process owns it, else a view of it as it was when
	// it was opened or last refreshed. Write through the bus.
	Ledger *ledger.Ledger
	// Bus is nil for a Reader beside an owner.
	Bus *bus.Bus
	// Recovered are sessions that a killed process had left open, closed by Open.
	Recovered []Recovered

	*share
}

// Recovered is one session that was closed for a process that is gone.
type Recovered struct {
	Session     string
	Interrupted []string // call ids
}

func (r Recovered) String() string {
	text := fmt.Sprintf("session %s had not been closed: its process is gone; it was closed now", r.Session)
	if len(r.Interrupted) > 0 {
		text += fmt.Sprintf(", with %d calls marked as interrupted (%s)", len(r.Interrupted), strings.Join(r.Interrupted, ", "))
	}
	return text
}

// Access is what a store is opened for.
type Access int

const (
	// Reader only reads: beside an owner it looks into the files and talks to nobody. There must be a ledger.
	Reader Access = iota
	// Runner records, and makes the ledger if there is none: beside an owner it submits to that.
	Runner
	// Keeper is Runner for what is about the ledger on this machine, also where runs record on a cluster.
	Keeper
	// Service is Keeper for a process that stays, see bus.JoinOptions.
	Service
)

// Open opens the ledger of cfg for this process. Whoever finds it free owns it, closes sessions that a killed
// process left open, and serves other processes until Close.
func Open(ctx context.Context, env cli.Env, cfg *config.Config, access Access) (*Store, error) {
	dir := cfg.Proctor.Ledger.Dir
	if access == Reader && !ledger.Exists(dir) {
		return nil, noLedger(dir)
	}
	s := &Store{share: newShare(env, dir, cfg.Proctor.Bus)}
	s.service = access == Service
	var err error
	if access != Reader {
		if s.capture, err = newCapture(env, cfg); err != nil {
			return nil, cli.Fail(cli.Failure, fmt.Errorf("[redact]: %w", err))
		}
	}
	if access == Runner && s.cluster.URL != "" {
		s.remote = true
		if err := s.dial(ctx, s.cluster); err != nil {
			return nil, errors.Join(notDurable(err), s.Close(ctx))
		}
		return s, nil
	}
	if s.witness, err = newWitnesses(cfg.Proctor.Ledger.Witness); err != nil {
		return nil, err
	}
	if access == Reader {
		_, err = s.takeLedger(ctx)
	}
	if errors.Is(err, bus.ErrOwned) {
		err = s.refresh()
	} else if err == nil {
		err = s.join(ctx)
	}
	if err != nil {
		return nil, errors.Join(notDurable(err), s.Close(ctx))
	}
	return s, nil
}

func noLedger(dir string) error {
	return cli.Fail(cli.NotDurable, fmt.Errorf("no ledger at %s: nothing was recorded there; set PROCTOR_HOME to where it is, or run 'proctor exec' first", dir))
}

var errNoSession = errors.New("the ledger holds no session yet; run 'proctor exec' or 'proctor demo' first")

// LastSession is the id of the run that was active last.
func (s *Store) LastSession(ctx context.Context) (string, error) {
	if err := s.readable(); err != nil {
		return "", err
	}
	info, err := s.Ledger.LastSession(ctx)
	if errors.Is(err, ledger.ErrUnknownSession) {
		return "", errNoSession
	}
	return info.ID, err
}

// LastSessionIn is the id of the conversation in a folder that was active last.
func (s *Store) LastSessionIn(ctx context.Context, cwd string) (string, error) {
	if err := s.readable(); err != nil {
		return "", err
	}
	sessions, err := s.Ledger.Sessions(ctx)
	if err != nil {
		return "", err
	}
	if len(sessions) == 0 {
		return "", errNoSession
	}
	var last ledger.SessionInfo
	for _, info := range sessions {
		if info.Cwd == cwd && info.Model != "" && converses(info.Originator) && (last.ID == "" || info.Last > last.Last) {
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
	t := s.traceOf(context.Background(), session)
	return event.NewStream(session, last, t.trace, t.span, s.Bus, time.Now)
}

// begin is Stream of a new session.
func (s *Store) begin(session string, t traceContext) (*event.Stream, error) {
	return event.NewStream(session, 0, t.trace, t.span, s.Bus, time.Now)
}

// Close flushes nothing of a stream: flush those first. Other processes go on with another owner.
func (s *Store) Close(ctx context.Context) error {
	var err error
	for _, b := range []*bus.Bus{s.reach, s.Bus} {
		if b != nil {
			err = errors.Join(err, b.Close(ctx))
		}
	}
	return errors.Join(err, s.end())
}

func notDurable(err error) error {
	if err == nil || errors.Is(err, cli.ErrInterrupted) || errors.Is(err, cli.ErrTerminated) || errors.Is(err, cli.ErrTimeLimit) {
		return err
	}
	return cli.Fail(cli.NotDurable, fmt.Errorf("ledger: %w", err))
}

// remedy is what to do about a ledger that takes nothing any more.
func remedy(err error) string {
	switch {
	case errors.Is(err, ledger.ErrRolledBack):
		return "put the newest copy of the ledger back ('proctor ledger restore' has the backups)"
	case errors.Is(err, ledger.ErrDamaged):
		return "see what 'proctor ledger verify' names and restore a backup"
	default:
		return "free space or repair the disk"
	}
}
