package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"proctor/event"
	"proctor/internal/cli"
	"proctor/internal/codex"
	"proctor/internal/codex/intake"
	"proctor/internal/codex/reconcile"
	"proctor/ledger"
)

// ReconcileOptions are the flags of proctor codex reconcile.
type ReconcileOptions struct {
	Session string // of any source of the thread
	JSON    bool
}

// tellers are the ends of the names of sessions about one thread, and who tells in them.
var tellers = []struct {
	suffix  string
	source  reconcile.Source
	several bool // -2, -3 and on go on
}{
	{"", reconcile.Executor, false},
	{codex.RolloutSuffix, reconcile.Rollout, true},
	{codex.StreamSuffix, reconcile.Stream, true},
	{intake.Suffix, reconcile.Telemetry, false},
	{hookSession, reconcile.Hooks, false},
}

// toldBy is a source with where it told.
type toldBy struct {
	Source   reconcile.Source `json:"source"`
	Sessions []string         `json:"sessions"`
	Calls    int              `json:"calls"`
}

// Reconcile compares what the ledger holds about one thread of Codex. Status Gate when something does not match.
func Reconcile(ctx context.Context, env cli.Env, s *Store, o ReconcileOptions) error {
	thread := threadOfSession(o.Session)
	var sources []toldBy
	var told []reconcile.Told
	for _, w := range tellers {
		var events []*event.Event
		source := toldBy{Source: w.source, Sessions: []string{}}
		for n, session := 1, thread+w.suffix; n == 1 || w.several && n <= maxContinuations; n++ {
			if n > 1 {
				session = fmt.Sprintf("%s%s-%d", thread, w.suffix, n)
			}
			more, err := s.callEvents(ctx, session)
			if errors.Is(err, ledger.ErrUnknownSession) {
				break
			}
			if err != nil {
				return cli.Fail(cli.Failure, fmt.Errorf("read session %s: %w", session, err))
			}
			events, source.Sessions = append(events, more...), append(source.Sessions, session)
		}
		if len(source.Sessions) == 0 {
			continue
		}
		one := reconcile.Read(w.source, events)
		source.Calls = len(one.Calls)
		sources, told = append(sources, source), append(told, one)
	}
	switch len(sources) {
	case 0:
		return cli.Fail(cli.Failure, fmt.Errorf("no session of thread %q in the ledger; 'proctor ledger ls' lists them", thread))
	case 1:
		return cli.Fail(cli.Failure, fmt.Errorf("only session %s tells of thread %s, so there is nothing to compare it with; 'proctor codex import' takes in the files of Codex", sources[0].Sessions[0], thread))
	}
	r := reconcile.Compare(told)
	if err := showReport(env, thread, sources, r, o.JSON); err != nil {
		return cli.Fail(cli.Failure, err)
	}
	if !r.Agrees() {
		return cli.Fail(cli.Gate, cli.ErrSilent)
	}
	return nil
}

// threadOfSession is the thread that a session is about.
func threadOfSession(session string) string {
	for _, w := range tellers {
		if w.suffix == "" {
			continue
		}
		if at := strings.LastIndex(session, w.suffix); at > 0 {
			rest := session[at+len(w.suffix):]
			if rest == "" || w.several && strings.Trim(rest, "-0123456789") == "" {
				return session[:at]
			}
		}
	}
	return session
}

// callEvents are the events of a session that tell of calls.
func (s *Store) callEvents(ctx context.Context, session string) (events []*event.Event, err error) {
	if _, err := s.Ledger.SessionInfo(ctx, session); err != nil {
		return nil, err
	}
	about := []event.Kind{event.ToolDecision, event.ExecStarted, event.ToolResult, event.FileChange}
	err = s.EachEntry(ctx, session, 1, func(e event.Entry) error {
		if e.Event != nil && slices.Contains(about, e.Kind) {
			events = append(events, e.Event)
		}
		return nil
	})
	return events, err
}

func showReport(env cli.Env, thread string, sources []toldBy, r reconcile.Report, asJSON bool) error {
	if asJSON {
		return jsonLine(env, struct {
			Thread  string   `json:"thread"`
			Sources []toldBy `json:"sources"`
			reconcile.Report
		}{thread, sources, r})
	}
	_, _ = fmt.Fprintf(env.Stdout, "thread %s\n", thread)
	table := tabwriter.NewWriter(env.Stdout, 0, 4, 2, ' ', 0)
	for _, w := range sources {
		_, _ = fmt.Fprintf(table, "  %s\t%d calls\t%s\n", w.Source, w.Calls, strings.Join(w.Sessions, ", "))
	}
	_ = table.Flush()
	for _, f := range r.Calls {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", f.Verdict, cli.Plain(f.Call), f.Class, shorten(cli.Plain(f.What), 80))
		if len(f.Missing) > 0 {
			_, _ = fmt.Fprintf(table, "\t  not told by %s\n", joinSources(f.Missing))
		}
		for _, d := range f.Differs {
			_, _ = fmt.Fprintf(table, "\t  %s\n", cli.Plain(d))
		}
	}
	_ = table.Flush()
	_, err := fmt.Fprintf(env.Stdout, "sum  %d match, %d missing, %d drift, %d extra\n", r.Match, r.Missing, r.Drift, r.Extra)
	return err
}

func joinSources(all []reconcile.Source) string {
	words := make([]string, len(all))
	for i, w := range all {
		words[i] = string(w)
	}
	return strings.Join(words, ", ")
}
