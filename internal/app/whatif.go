package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"proctor/event"
	"proctor/internal/cli"
	"proctor/ledger"
	"proctor/replay"
)

// WhatIfOptions are the flags of proctor replay --what-if.
type WhatIfOptions struct {
	Session   string
	Last, All bool
	// Config is a file or folder, see whatIfSource; Overrides are -c flags on top of it.
	Config    string
	Overrides []string
	JSON      bool
}

// WhatIf decides recorded decisions again under another configuration. Status is Gate when one flips.
func WhatIf(ctx context.Context, env cli.Env, s *Store, o WhatIfOptions) error {
	source, err := openWhatIf(env, o.Config)
	if err != nil {
		return cli.Fail(cli.Usage, err)
	}
	maker := &authorities{source: source, overrides: o.Overrides, made: map[string]madeAuthority{}}
	out := bufio.NewWriter(env.Stdout)
	var writing error
	w := replay.NewWhatIf(maker.of, func(r replay.Redecided) {
		if writing == nil {
			writing = printRedecided(out, r, o.JSON)
		}
	})
	if err := s.eachOf(ctx, o, func(e event.Entry) error { w.Add(e); return writing }); err != nil {
		return err
	}
	if err := errors.Join(printSummary(out, env, w.Summary(), o.JSON), out.Flush()); err != nil {
		return cli.Fail(cli.Failure, err)
	}
	if maker.failed != nil { // a configuration that loads for no session is a mistake, and no answer
		return cli.Fail(cli.Failure, fmt.Errorf("--what-if %s: %w", o.Config, maker.failed))
	}
	if w.Summary().Flips > 0 {
		return cli.Fail(cli.Gate, cli.ErrSilent)
	}
	return nil
}

// eachOf reads the entries that o chooses, in ledger order.
func (s *Store) eachOf(ctx context.Context, o WhatIfOptions, f func(event.Entry) error) error {
	if o.All {
		return cli.Fail(cli.Failure, s.everyEntry(ctx, f))
	}
	id := o.Session
	if o.Last {
		var err error
		if id, err = s.LastSession(ctx); err != nil {
			return cli.Fail(cli.Failure, err)
		}
	}
	if _, err := s.Ledger.SessionInfo(ctx, id); errors.Is(err, ledger.ErrUnknownSession) {
		return cli.Fail(cli.Failure, fmt.Errorf("no session %q in the ledger; 'proctor ledger ls' lists them", id))
	} else if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	return cli.Fail(cli.Failure, s.EachEntry(ctx, id, 1, f))
}

func (s *Store) everyEntry(ctx context.Context, f func(event.Entry) error) error {
	const page = 512
	for from := event.Seq(0); ; {
		entries, err := s.Ledger.Read(ctx, from, page)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := f(e); err != nil {
				return err
			}
			from = e.Seq + 1
		}
		if len(entries) == 0 {
			return nil
		}
	}
}

func printRedecided(w io.Writer, r replay.Redecided, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	if r.Unknown != "" { // counted in the summary
		return nil
	}
	_, err := fmt.Fprintf(w, "%s  seq %d, session %s, call %s\n  %s\n  was  %s\n  now  %s\n", r.Event, r.Seq, r.Session,
		cli.Plain(r.Call), cli.Plain(r.Asked), verdictText(r.Was), verdictText(r.Now))
	return err
}

func verdictText(v replay.Verdict) string {
	text := fmt.Sprintf("%-6s %s", v.Outcome, v.Reason)
	if v.Unconfined {
		text += ", outside the sandbox"
	}
	if v.Rule != "" {
		text += ", " + cli.Plain(v.Rule)
	}
	return text
}

func printSummary(w io.Writer, env cli.Env, s replay.WhatIfSummary, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(struct {
			Summary replay.WhatIfSummary `json:"summary"`
		}{s})
	}
	_, err := fmt.Fprintf(w, "%d decisions of %d sessions: %d flip, %d unknown\n", s.Decisions, s.Sessions, s.Flips, s.Unknown)
	for _, direction := range slices.Sorted(maps.Keys(s.Flipped)) {
		_, err = fmt.Fprintf(w, "  %6d  %s\n", s.Flipped[direction], direction)
	}
	for _, why := range slices.Sorted(maps.Keys(s.Reasons)) {
		_, err = fmt.Fprintf(w, "  %6d  unknown: %s\n", s.Reasons[why], cli.Plain(why))
	}
	return err
}
