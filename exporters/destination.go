package exporters

import (
	"context"
	"fmt"
	"time"

	"proctor/event"
)

// Destination makes batches for one receiver and one signal.
type Destination interface {
	// Name is the key of the cursor. It must not change while the receiver is the same.
	Name() string
	// Signal is logs, metrics, traces or events.
	Signal() string
	// NewBatch starts an empty batch within limits.
	NewBatch(limits Limits) Batch
	Close() error
}

// Limits of a batch.
type Limits struct {
	Records int
	Bytes   int
}

// Batch collects entries and sends what they map to.
type Batch interface {
	// Add maps an entry. False means that it does not fit: send, then offer it to a new batch. An
	// empty batch takes every entry. Entries that map to nothing are taken and add no record. An
	// error means that the entry cannot be mapped; it is passed over.
	Add(ctx context.Context, e event.Entry) (bool, error)
	// Records says how many records Send would send.
	Records() int
	// Send sends the batch once. After an error it may be called again.
	Send(ctx context.Context) (Result, error)
}

// Result of an accepted batch.
type Result struct {
	Rejected int64 // records that the receiver did not keep
	Message  string
}

// Class says what to do after a batch was not accepted.
type Class int

// The classes.
const (
	Retry    Class = iota // send it again, later
	TooLarge              // send less at a time
	Rejected              // the data is bad: report the gap, go on behind it
	Blocked               // credentials or address are wrong: keep the data, try rarely
)

func (c Class) String() string {
	return [...]string{"retry", "too large", "rejected", "blocked"}[c]
}

// SendError is how a Batch reports a failure. Other errors count as Retry.
type SendError struct {
	Class Class
	After time.Duration // named by the receiver; 0 when it named none
	Err   error
}

func (e *SendError) Error() string { return fmt.Sprintf("%v (%s)", e.Err, e.Class) }

// Unwrap returns the cause.
func (e *SendError) Unwrap() error { return e.Err }
