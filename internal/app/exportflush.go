package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"proctor/event"
	"proctor/internal/cli"
	"proctor/internal/config"
)

// FlushOptions are the flags of proctor export flush.
type FlushOptions struct {
	Within time.Duration // for how long to try
	JSON   bool
}

// BackfillOptions are the flags of proctor export backfill.
type BackfillOptions struct {
	FlushOptions
	From    string   // number of an entry, a time, or an age
	Signals []string // logs, traces, metrics, events
}

// errExportOff is the answer where nothing is sent anywhere.
var errExportOff = errors.New("no exporter is configured: set exporter, metrics_exporter or trace_exporter in [otel] of config.toml, or a [[siem]] in proctor.toml")

// FlushExport delivers what is pending: by exporters of this process, or beside an owner by those of the owner.
func FlushExport(ctx context.Context, env cli.Env, s *Store, cfg *config.Config, o FlushOptions) error {
	return deliver(ctx, env, s, cfg, nil, o)
}

// Backfill takes cursors back to an entry and delivers from there.
func Backfill(ctx context.Context, env cli.Env, s *Store, cfg *config.Config, o BackfillOptions) error {
	from, err := entryAt(ctx, s, o.From)
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	return deliver(ctx, env, s, cfg, &rewind{From: from, Signals: o.Signals}, o.FlushOptions)
}

// deliver flushes until everything is accepted, nothing moves any more, or the time is over.
func deliver(ctx context.Context, env cli.Env, s *Store, cfg *config.Config, back *rewind, o FlushOptions) error {
	if !exports(cfg) {
		return cli.Fail(cli.Failure, errExportOff)
	}
	ask := s.askExport
	if s.owned() != nil {
		e, err := StartExport(s, cfg, "", env.Logger())
		if err != nil {
			return err
		}
		defer func() { _ = e.close() }()
		ask = func(ctx context.Context, q exportQuestion) (exportAnswer, error) {
			a := e.do(ctx, q)
			if a.Error != "" {
				return a, errors.New(a.Error)
			}
			return a, nil
		}
	}
	total := map[string]exportReport{}
	for deadline := time.Now().Add(o.Within); ; back = nil {
		a, err := ask(ctx, exportQuestion{Rewind: back, Flush: time.Until(deadline)})
		if err != nil {
			return cli.Fail(cli.Failure, err)
		}
		moved, left := addReports(total, a.Reports)
		if left == 0 || !moved || ctx.Err() != nil || time.Now().After(deadline) {
			break
		}
	}
	if err := unasked(cfg, total); err != nil {
		return cli.Fail(cli.Failure, err)
	}
	return showDelivery(env, total, o)
}

// addReports sums up what successive answers say; moved is whether a destination got further.
func addReports(total map[string]exportReport, reports []exportReport) (moved bool, left uint64) {
	for _, r := range reports {
		moved = moved || r.Next > r.Before
		left += r.Left
		if old, ok := total[r.Destination]; ok {
			r.Before, r.Refused = old.Before, old.Refused+r.Refused
		}
		total[r.Destination] = r
	}
	return moved, left
}

// unasked says that the owner of the ledger knows nothing of a destination of this process.
func unasked(cfg *config.Config, total map[string]exportReport) error {
	for _, d := range configured(cfg) {
		if _, ok := total[d.Name]; !ok {
			return fmt.Errorf("the process that owns the ledger does not export to %s: its [otel] and [[siem]] differ from those here; try again when it has ended", d.Name)
		}
	}
	return nil
}

func showDelivery(env cli.Env, total map[string]exportReport, o FlushOptions) error {
	var left uint64
	var refused int64
	for _, name := range slices.Sorted(maps.Keys(total)) {
		r := total[name]
		left, refused = left+r.Left, refused+r.Refused
		if o.JSON {
			if err := jsonLine(env, r); err != nil {
				return cli.Fail(cli.Failure, err)
			}
			continue
		}
		line := fmt.Sprintf("%s: %s up to entry %d", name, r.Signal, r.Next)
		if r.Left == 0 {
			line += ", nothing waits"
		} else {
			line += fmt.Sprintf(", %d entries wait", r.Left)
		}
		if r.Refused > 0 {
			line += fmt.Sprintf(", %d records refused", r.Refused)
		}
		if r.Error != "" {
			line += " (" + r.Error + ")"
		}
		_, _ = fmt.Fprintln(env.Stdout, cli.Plain(line))
	}
	switch {
	case left > 0:
		return cli.Fail(cli.Failure, fmt.Errorf("%d entries are left; they stay in the ledger; 'proctor export status' has the error of each destination, 'proctor otel check' asks a collector why", left))
	case refused > 0:
		return cli.Fail(cli.Failure, fmt.Errorf("%d records were refused for good; see 'proctor replay %s --kind proctor.export_gap'", refused, SystemSession))
	}
	return nil
}

// entryAt is the first entry that a text means: a number, a time, or an age.
func entryAt(ctx context.Context, s *Store, text string) (event.Seq, error) {
	if n, err := strconv.ParseUint(text, 10, 63); err == nil {
		return event.Seq(n), nil
	}
	at, err := momentOf(text, time.Now())
	if err != nil {
		return 0, err
	}
	low, high := event.Seq(0), event.Seq(s.Ledger.Tree().Size)
	for low < high { // receive times grow, but for a clock that was set back
		mid := low + (high-low)/2
		entries, err := s.Ledger.Read(ctx, mid, 1)
		if err != nil {
			return 0, fmt.Errorf("find the first entry since %s: %w", text, err)
		}
		if len(entries) == 1 && entries[0].Received.Before(at) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low, nil
}

func momentOf(text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, strings.TrimSpace(text), time.Local); err == nil {
			return t, nil
		}
	}
	if age, err := config.ParseAge(text); err == nil && age > 0 {
		return now.Add(-age), nil
	}
	return time.Time{}, fmt.Errorf("--from %q: want the number of an entry, a time such as 2026-11-23T09:00:00Z or 2026-11-23, or an age such as 12h or 7d", text)
}
