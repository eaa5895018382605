package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"proctor/event"
	"proctor/internal/cli"
	"proctor/replay"
)

// Explain says why the call of an event was allowed or refused. The event is named by its sequence, its id or a beginning of it.
func Explain(ctx context.Context, env cli.Env, s *Store, name string, asJSON bool) error {
	if name == "" {
		return cli.Fail(cli.Usage, errors.New("explain needs an event: its id, a beginning of the id, or its sequence"))
	}
	e, err := s.find(ctx, name)
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	if e.Event == nil || e.Event.Call == "" {
		return cli.Fail(cli.Failure, fmt.Errorf("event %s is %s and belongs to no call; 'proctor replay %s --json' shows which do", e.ID, e.Kind, e.Session))
	}
	entries, err := s.Entries(ctx, e.Session)
	if err != nil {
		return cli.Fail(cli.Failure, fmt.Errorf("read session %s: %w", e.Session, err))
	}
	w := bufio.NewWriter(env.Stdout)
	view := replay.Options{Width: env.Width(), Color: replay.UseColor(env.StdoutTerminal, env.Getenv)}
	if err := explainCall(w, entries, e.Event.Call, view, asJSON); err != nil {
		return cli.Fail(cli.Failure, err)
	}
	return cli.Fail(cli.Failure, w.Flush())
}

// explainedCall is what explain prints as JSON.
type explainedCall struct {
	Call replay.Explanation `json:"call"`
	// Decisions are the recorded ones of the call, each made again.
	Decisions []replay.Why `json:"decisions"`
}

// explainCall prints what led to the verdict on a call, and each of its decisions made again from its facts.
func explainCall(w io.Writer, entries []event.Entry, call string, view replay.Options, asJSON bool) error {
	x, err := replay.Explain(entries, call)
	if err != nil {
		return err
	}
	out := explainedCall{Call: x, Decisions: []replay.Why{}}
	for _, e := range entries {
		if e.Kind != event.ToolDecision || e.Event == nil || e.Event.Call != call {
			continue
		}
		why, err := replay.DecidedAgain(entries, e)
		if err != nil {
			return err
		}
		out.Decisions = append(out.Decisions, why)
	}
	if asJSON {
		return json.NewEncoder(w).Encode(out)
	}
	if err := replay.WriteExplanation(w, x, view); err != nil {
		return err
	}
	for _, why := range out.Decisions {
		if _, err := io.WriteString(w, "\n"); err != nil {
			return err
		}
		if err := replay.WriteWhy(w, why, view); err != nil {
			return err
		}
	}
	return nil
}

// maxScan is how many entries are looked through for an event id, newest first.
const maxScan = 1 << 20

// find returns the entry with a sequence, an event id, or the one id that begins with name.
func (s *Store) find(ctx context.Context, name string) (event.Entry, error) {
	size := s.Ledger.Tree().Size
	if seq, err := strconv.ParseUint(name, 10, 64); err == nil {
		entries, err := s.Ledger.Read(ctx, event.Seq(seq), 1)
		if err == nil && len(entries) == 0 {
			err = fmt.Errorf("no entry %d: the ledger has %d, counted from 0", seq, size)
		}
		if err != nil {
			return event.Entry{}, err
		}
		return entries[0], nil
	}
	const page = 1024
	var found []event.Entry
	for end, left := size, uint64(maxScan); end > 0 && left > 0; {
		n := min(page, end, left)
		for from := end - n; from < end; {
			entries, err := s.Ledger.Read(ctx, event.Seq(from), int(end-from)) //nolint:gosec // at most a page
			if err != nil {
				return event.Entry{}, err
			}
			if len(entries) == 0 {
				break
			}
			for _, e := range entries {
				switch {
				case string(e.ID) == name:
					return e, nil
				case strings.HasPrefix(string(e.ID), name):
					found = append(found, e)
				}
			}
			from += uint64(len(entries))
		}
		if len(found) > 1 {
			return event.Entry{}, fmt.Errorf("event %q: several begin so, for example %s and %s; write more of the id", name, found[0].ID, found[1].ID)
		}
		end, left = end-n, left-n
	}
	if len(found) == 0 {
		return event.Entry{}, fmt.Errorf("no event %q among the newest %d entries; 'proctor replay --json' shows ids and sequences", name, min(size, maxScan))
	}
	return found[0], nil
}
