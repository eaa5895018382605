package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"

	"proctor/event"
	"proctor/internal/cli"
	"proctor/ledger"
	"proctor/replay"
	"proctor/replay/web"
)

// ReplayOptions are the flags of proctor replay.
type ReplayOptions struct {
	Session string
	Last    bool
	JSON    bool
	Redact  bool
	Full    bool
	Kinds   []string
	HTML    string // file to write a page to
	Call    string // explain this call
}

// Replay shows a session.
func Replay(ctx context.Context, env cli.Env, s *Store, o ReplayOptions) error {
	kinds, err := parseKinds(o.Kinds)
	if err != nil {
		return err
	}
	id := o.Session
	if o.Last {
		if id, err = s.LastSession(ctx); err != nil {
			return cli.Fail(cli.Failure, err)
		}
	}
	if _, err := s.Ledger.SessionInfo(ctx, id); errors.Is(err, ledger.ErrUnknownSession) {
		return cli.Fail(cli.Failure, fmt.Errorf("no session %q in the ledger; 'proctor ledger ls' lists them", id))
	} else if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	each := func(f func(event.Entry) error) error { return s.EachEntry(ctx, id, 1, f) }
	w := bufio.NewWriter(env.Stdout)
	if err := show(env, w, each, kinds, o); err != nil {
		return cli.Fail(cli.Failure, fmt.Errorf("replay session %s: %w", id, err))
	}
	return cli.Fail(cli.Failure, w.Flush())
}

// ReplayEvidence shows the session of an evidence file, once all of the file holds: signed with key, or with the file's own where
// that is empty. Status Gate when it does not hold.
func ReplayEvidence(env cli.Env, file, key string, o ReplayOptions) error {
	kinds, err := parseKinds(o.Kinds)
	if err != nil {
		return err
	}
	var entries []event.Entry
	report, err := checkEvidence(env, file, ledger.EvidenceChecks{PublicKey: key, Each: func(e event.Entry) error { entries = append(entries, e); return nil }})
	if err != nil {
		return err
	}
	if !report.OK {
		return cli.Fail(cli.Gate, fmt.Errorf("evidence %s does not hold, so it is not shown; 'proctor ledger verify %s' says why", file, file))
	}
	each := func(f func(event.Entry) error) error {
		for _, e := range entries {
			if err := f(e); err != nil {
				return err
			}
		}
		return nil
	}
	w := bufio.NewWriter(env.Stdout)
	if err := show(env, w, each, kinds, o); err != nil {
		return cli.Fail(cli.Failure, fmt.Errorf("replay evidence %s: %w", file, err))
	}
	return cli.Fail(cli.Failure, w.Flush())
}

// show prints the entries that each gives, in the form that o asks for.
func show(env cli.Env, w *bufio.Writer, each func(func(event.Entry) error) error, kinds []event.Kind, o ReplayOptions) error {
	view := replay.Options{Width: env.Width(), Color: replay.UseColor(env.StdoutTerminal, env.Getenv), Full: o.Full, Kinds: kinds}
	switch {
	case o.JSON:
		return each(func(e event.Entry) error {
			if !wanted(kinds, e.Kind) {
				return nil
			}
			return writeJSON(w, e, o.Redact)
		})
	case len(kinds) > 0:
		p := replay.NewPrinter(w, view)
		return each(p.Print)
	}
	var entries []event.Entry
	if err := each(func(e event.Entry) error { entries = append(entries, e); return nil }); err != nil {
		return err
	}
	switch {
	case o.HTML != "":
		f, err := os.OpenFile(env.Abs(o.HTML), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		return errors.Join(web.WriteHTML(f, entries), f.Close())
	case o.Call != "":
		return explainCall(w, entries, o.Call, view, false)
	}
	return replay.Write(w, replay.Build(entries), view)
}

// Entries are all entries of a session.
func (s *Store) Entries(ctx context.Context, session string) ([]event.Entry, error) {
	var entries []event.Entry
	err := s.EachEntry(ctx, session, 1, func(e event.Entry) error { entries = append(entries, e); return nil })
	return entries, err
}

func parseKinds(words []string) ([]event.Kind, error) {
	var kinds []event.Kind
	for _, w := range words {
		k := event.Kind(w)
		if _, ok := event.Lookup(k); !ok {
			return nil, cli.Fail(cli.Usage, fmt.Errorf("--kind %q: no such kind of event; doc/events.md lists them", w))
		}
		kinds = append(kinds, k)
	}
	return kinds, nil
}

func wanted(kinds []event.Kind, k event.Kind) bool {
	for _, want := range kinds {
		if want == k {
			return true
		}
	}
	return len(kinds) == 0
}
