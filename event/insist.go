package event

import (
	"context"
	"errors"
	"time"
)

// insistFor bounds how long PublishAnyway and RecordAnyway wait for the ledger.
const insistFor = 30 * time.Second

var errSlowRecord = errors.New("the ledger did not commit in time")

// PublishAnyway is Publish of what has happened: it is sent although ctx may have ended. When there is
// no room for it within 30 s the error wraps ErrNotRecorded.
func (s *Stream) PublishAnyway(ctx context.Context, drafts ...Draft) error {
	return insist(ctx, func(ctx context.Context) error { return s.Publish(ctx, drafts...) })
}

// RecordAnyway is Record although ctx may have ended, for events that belong together; the caller looks at
// ctx afterwards, and acts no more. When they are not committed within 30 s the error wraps ErrNotRecorded.
func (s *Stream) RecordAnyway(ctx context.Context, drafts ...Draft) (receipts []Receipt, err error) {
	err = insist(ctx, func(ctx context.Context) error {
		receipts, err = s.Record(ctx, drafts...)
		return err
	})
	return receipts, err
}

func insist(ctx context.Context, f func(context.Context) error) error {
	keep, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), insistFor, errSlowRecord)
	defer cancel()
	err := f(keep)
	if errors.Is(err, errSlowRecord) {
		err = notRecorded(err)
	}
	return err
}
