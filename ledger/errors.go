package ledger

import (
	"errors"
	"fmt"

	"proctor/event"
)

// Those that are a [event.Fault] stay what they are on the way through the bus.
var (
	// ErrInUse means another process owns the directory; see [InUseError] for which.
	// Talk to the owner instead, or try again when it has ended.
	ErrInUse = errors.New("ledger is in use")
	// ErrFailed means a write or a sync failed, or the stored tree is not what was signed. Nothing
	// can be recorded any more by this process: what waits for a receipt must not happen. The
	// cause is wrapped. Committed entries stay readable; end the process and open again.
	ErrFailed error = event.Fault{Code: event.CodeLedgerFailed, Text: "ledger failed"}
	// ErrClosed means Close was called.
	ErrClosed error = event.Fault{Code: event.CodeLedgerClosed, Text: "ledger is closed"}
	// ErrGap means an event's number is not the next one of its session. Nothing of the
	// submission was recorded; an event before it is missing, or two producers number one session.
	ErrGap error = event.Fault{Code: "gap", Text: "gap in session sequence"}
	// ErrConflict means an event id is already recorded with other bytes. Nothing of the
	// submission was recorded; a producer uses one id twice.
	ErrConflict error = event.Fault{Code: "conflict", Text: "event id is taken by another event"}
	// ErrFormat means another version of proctor wrote the directory; use that one.
	ErrFormat = errors.New("ledger format is not supported")
	// ErrDamaged means that stored bytes are not what was written. Run Verify to learn where.
	ErrDamaged = errors.New("ledger is damaged")
	// ErrRolledBack means the ledger is shorter than a checkpoint signed for it: an old copy was
	// put in its place. Appending would fork history, so only reading works. Restore the newest copy.
	ErrRolledBack = errors.New("ledger was rolled back")
	// ErrClaimed means that another process writes the session.
	ErrClaimed = errors.New("another process runs the session")
	// ErrHeld means that a session is on hold, so that its content must not be erased. Nothing was recorded.
	ErrHeld error = event.Fault{Code: "held", Text: "session is on hold"}
	// ErrUnpurged means that what was erased can still be found in files, since somebody reads from them. Nobody can
	// read it through the ledger any more; the next Purge, or the next Open, tries again.
	ErrUnpurged = errors.New("erased, but not yet gone from all files")
	// ErrUnknownSession means no entry belongs to a session.
	ErrUnknownSession error = event.Fault{Code: "unknown_session", Text: "unknown session"}
)

// errStuck means that Pebble does not come back from a call after a failure.
var errStuck = errors.New("the store does not answer; the directory stays locked until this process ends")

// InUseError is an [ErrInUse] that names the owner.
type InUseError struct {
	Dir string
	PID int // 0 when the owner did not say
}

func (e *InUseError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("open ledger %q: %v by an unnamed process", e.Dir, ErrInUse)
	}
	return fmt.Sprintf("open ledger %q: %v by process %d", e.Dir, ErrInUse, e.PID)
}

// Is makes errors.Is(err, ErrInUse) true.
func (e *InUseError) Is(target error) bool { return target == ErrInUse }

func failed(cause error) error { return fmt.Errorf("%w: %w", ErrFailed, cause) }
