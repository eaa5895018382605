package event

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Seq is a position in the ledger: the index of an entry, from 0, without gaps.
type Seq uint64

// Hash is a SHA-256 digest that prints as hex.
type Hash [32]byte

func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText implements encoding.TextMarshaler.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *Hash) UnmarshalText(b []byte) error {
	d, err := hex.DecodeString(string(b))
	if err != nil || len(d) != len(h) {
		return fmt.Errorf("hash %q: want %d hex digits", b, 2*len(h))
	}
	*h = Hash(d)
	return nil
}

// Receipt proves that an event is committed: on stable storage, in the tree, in its session's order. Beyond one machine the
// tree comes later: see InLedger, and package bus for what is promised then.
type Receipt struct {
	ID         ID        `json:"id"`
	Seq        Seq       `json:"seq"`         // index in the ledger
	SessionSeq uint64    `json:"session_seq"` // from 1
	Leaf       Hash      `json:"leaf"`        // RFC 6962 leaf hash of the entry
	Received   time.Time `json:"received"`    // the ledger's clock
	// Message is where the event stands in its partition of a cluster's stream, 0 where there is none.
	Message uint64 `json:"message,omitempty"`
}

// InLedger reports whether a ledger has the event. If not, a cluster has it on the disks of its servers, and the numbers that
// a ledger gives (Seq, Leaf) are missing.
func (r Receipt) InLedger() bool { return r.Leaf != Hash{} }

// Entry is a committed event as the ledger returns it. Raw is the exact entry that
// the leaf hash covers; Event is nil when this program does not know the kind.
type Entry struct {
	Receipt
	Kind    Kind
	Session string
	Event   *Event
	Raw     json.RawMessage
}

// Pending is one submission on its way. Wait may be called once; it returns a
// receipt for each event, in order, or the reason why none of them was committed.
// When ctx ends first, Wait returns its error and the outcome stays unknown.
type Pending interface {
	Wait(ctx context.Context) ([]Receipt, error)
}

// Sink takes the events of one submission, all or none, in order. A nil error
// means that they were accepted and will be committed in the order of the calls;
// whether they were, Pending tells. An error means that nothing was sent. Submit
// blocks while its bounds are exhausted, until ctx ends.
type Sink interface {
	Submit(ctx context.Context, events ...*Event) (Pending, error)
}

// Reader reads committed entries.
type Reader interface {
	// Read returns up to limit entries with Seq >= from, in order; fewer when they are large, none at the end of the ledger.
	Read(ctx context.Context, from Seq, limit int) ([]Entry, error)
	// Session returns up to limit entries of one session with SessionSeq >= from, in order.
	Session(ctx context.Context, session string, from uint64, limit int) ([]Entry, error)
	// Follow calls f for each entry with Seq >= from, waits for new ones, and returns when ctx
	// ends (nil), when f fails, or when the ledger closes.
	Follow(ctx context.Context, from Seq, f func(Entry) error) error
}

// ErrNotRecorded means that an event did not reach the ledger. The action it
// announces must not run; the run ends with the exit status for lost evidence.
var ErrNotRecorded = errors.New("event not recorded")
