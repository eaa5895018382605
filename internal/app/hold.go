package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"proctor/event"
	"proctor/internal/cli"
	"proctor/ledger"
)

// HoldOptions are the flags of proctor ledger hold and release.
type HoldOptions struct {
	Session string // empty lists the holds
	Reason  string
	As      string
	JSON    bool
}

// HoldSession places a hold, or changes the reason of one.
func HoldSession(ctx context.Context, env cli.Env, s *Store, o HoldOptions) error {
	if strings.TrimSpace(o.Reason) == "" {
		return cli.Fail(cli.Usage, errors.New("--reason is needed: it tells those who want to erase why they may not"))
	}
	by, err := Answer{As: o.As, Why: o.Reason}.by(env)
	if err != nil {
		return err
	}
	if _, err := s.Ledger.SessionInfo(ctx, o.Session); errors.Is(err, ledger.ErrUnknownSession) {
		return cli.Fail(cli.Failure, fmt.Errorf("no session %q in the ledger; 'proctor ledger ls' lists them", cli.Plain(shorten(o.Session, 64))))
	} else if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	p := &event.HoldPlacedPayload{Held: o.Session, Reason: o.Reason, By: by}
	if _, err := s.keep(ctx, event.User, p); err != nil {
		return cli.Fail(cli.Failure, fmt.Errorf("hold session %s: %w", o.Session, err))
	}
	return said(env, o.JSON, p, "session %s is on hold: neither erase nor retention touches it", o.Session)
}

// ReleaseSession ends a hold.
func ReleaseSession(ctx context.Context, env cli.Env, s *Store, o HoldOptions) error {
	by, err := Answer{As: o.As, Why: o.Reason}.by(env)
	if err != nil {
		return err
	}
	holds, err := s.Ledger.Holds(ctx)
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	held := false
	for _, h := range holds {
		held = held || h.Session == o.Session
	}
	if !held {
		return cli.Fail(cli.Failure, fmt.Errorf("session %q is not on hold; 'proctor ledger hold' lists the holds", cli.Plain(shorten(o.Session, 64))))
	}
	p := &event.HoldReleasedPayload{Held: o.Session, Reason: o.Reason, By: by}
	if _, err := s.keep(ctx, event.User, p); err != nil {
		return cli.Fail(cli.Failure, fmt.Errorf("release session %s: %w", o.Session, err))
	}
	return said(env, o.JSON, p, "session %s is released", o.Session)
}

// ListHolds prints the holds in force.
func ListHolds(ctx context.Context, env cli.Env, s *Store, asJSON bool) error {
	holds, err := s.Ledger.Holds(ctx)
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	if asJSON {
		lines := json.NewEncoder(env.Stdout)
		for _, h := range holds {
			err = errors.Join(err, lines.Encode(h))
		}
		return cli.Fail(cli.Failure, err)
	}
	table := tabwriter.NewWriter(env.Stdout, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "SESSION\tSINCE\tBY\tREASON")
	for _, h := range holds {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", h.Session, h.Since.Local().Format("2006-01-02 15:04:05"), cli.Plain(h.By), cli.Plain(shorten(h.Reason, 80)))
	}
	return cli.Fail(cli.Failure, table.Flush())
}

// said prints what was done, for people or as JSON.
func said(env cli.Env, asJSON bool, v any, format string, args ...any) error {
	if asJSON {
		return encode(env.Stdout, v)
	}
	_, err := fmt.Fprintf(env.Stdout, format+"\n", args...)
	return cli.Fail(cli.Failure, err)
}
