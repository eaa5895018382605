package app

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"proctor/event"
	"proctor/internal/cli"
	"proctor/replay"
)

// writeEvents writes the events of the run, one JSON object a line, to --events.
func (r *run) writeEvents(ctx context.Context) error {
	out := r.env.Stdout
	switch {
	case r.opts.EventsFile == "":
		return nil
	case r.events != nil:
		if err := replaceContent(r.events, nil); err != nil {
			return cli.Fail(cli.Failure, fmt.Errorf("write events: %w", err))
		}
		out = r.events
	}
	if r.store.remote {
		return cli.Fail(cli.Failure, fmt.Errorf("write events: %w", errElsewhere))
	}
	if err := r.store.refresh(); err != nil {
		return cli.Fail(cli.Failure, fmt.Errorf("write events: %w", err))
	}
	from := uint64(1)
	if r.state != nil {
		from = r.state.Last + 1
	}
	w := bufio.NewWriter(out)
	if err := r.store.EachEntry(context.WithoutCancel(ctx), r.session, from, func(e event.Entry) error { return writeJSON(w, e, false) }); err != nil {
		return cli.Fail(cli.Failure, fmt.Errorf("write events: %w", err))
	}
	return cli.Fail(cli.Failure, w.Flush())
}

func writeJSON(w io.Writer, e event.Entry, redact bool) error {
	line, err := replay.JSON(e, redact)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// EachEntry calls f for the entries of a session from number from on.
func (s *Store) EachEntry(ctx context.Context, session string, from uint64, f func(event.Entry) error) error {
	const page = 256
	for {
		entries, err := s.Ledger.Session(ctx, session, from, page)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := f(e); err != nil {
				return err
			}
			from = e.SessionSeq + 1
		}
		if len(entries) < page {
			return nil
		}
	}
}
