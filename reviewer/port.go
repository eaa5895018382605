package reviewer

import (
	"context"
	"log/slog"
	"time"

	"proctor/event"
)

// Identity names a reviewer in the record.
type Identity struct {
	Name  string      // user:NAME or auto_review:MODEL
	Actor event.Actor // event.User or event.Reviewer
}

// Reviewer judges one request. Review must return when ctx ends; what it returns later is dropped.
// It may be called from several goroutines.
type Reviewer interface {
	Identity() Identity
	Review(ctx context.Context, r Request) Verdict
}

// Requests is where approval requests come from. Each committed entry of the kind reaches one member
// of the group. f may block. After stop returned, f is not called again and no call is under way.
type Requests interface {
	Subscribe(ctx context.Context, kind event.Kind, group string, f func(event.Entry)) (stop func(), err error)
}

// Recorder takes events of one session: Record commits them, and with them what was published before; *event.Stream is one.
type Recorder interface {
	Publish(ctx context.Context, drafts ...event.Draft) error
	Record(ctx context.Context, drafts ...event.Draft) ([]event.Receipt, error)
}

// Streams finds the recorder of a session; false means that the session is not served here, and
// its requests are passed over without an answer.
type Streams func(session string) (Recorder, bool)

// Options of Serve. The zero value works.
type Options struct {
	// Group is the queue group, "reviewer" when empty. A process that serves only its own session
	// must name the session in it, or it would take the requests of others.
	Group string
	// Parallel bounds the reviews under way; 4 when zero.
	Parallel int
	// Timeout ends reviews whose request names no deadline; 100 s when zero.
	Timeout time.Duration
	// Now is the clock for durations and deadlines; time.Now when nil.
	Now func() time.Time
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Group == "" {
		o.Group = "reviewer"
	}
	if o.Parallel <= 0 {
		o.Parallel = 4
	}
	if o.Timeout <= 0 {
		o.Timeout = 100 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}
