package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"proctor/bus"
	"proctor/event"
	"proctor/exporters"
)

const (
	// exportTopic is what the owner of the ledger answers about its exporters.
	exportTopic = "export"
	// askWithin bounds the work of one answer; who wants more asks again.
	askWithin = 30 * time.Second
)

// exportQuestion is what another process wants of the owner's exporters.
type exportQuestion struct {
	Rewind *rewind       `json:"rewind,omitempty"` // first
	Flush  time.Duration `json:"flush,omitempty"`  // for so long at most, in nanoseconds
}

// rewind takes the cursors of some signals back.
type rewind struct {
	From    event.Seq `json:"from"`
	Signals []string  `json:"signals"`
}

type exportAnswer struct {
	Reports []exportReport `json:"reports"`
	Error   string         `json:"error,omitempty"`
}

// exportReport is a report of an exporter as it crosses between processes.
type exportReport struct {
	Destination string    `json:"destination"`
	Signal      string    `json:"signal"`
	Before      event.Seq `json:"before"` // where the cursor was
	Next        event.Seq `json:"next"`
	Refused     int64     `json:"refused,omitempty"`
	Left        uint64    `json:"left,omitempty"`
	Error       string    `json:"error,omitempty"`
}

// answer is the owner's side.
func (e Export) answer(ctx context.Context, question []byte) []byte {
	var q exportQuestion
	var a exportAnswer
	if err := json.Unmarshal(question, &q); err != nil {
		a.Error = "a question that this version does not understand: " + err.Error()
	} else {
		a = e.do(ctx, q)
	}
	b, err := json.Marshal(a)
	if err != nil {
		return nil
	}
	return b
}

// do rewinds and flushes, in this process.
func (e Export) do(ctx context.Context, q exportQuestion) exportAnswer {
	var a exportAnswer
	within := min(max(q.Flush, time.Millisecond), askWithin)
	before := map[string]event.Seq{}
	for _, x := range e.group {
		from, err := e.position(ctx, x, q.Rewind, within)
		if err != nil {
			return exportAnswer{Error: err.Error()}
		}
		before[x.Name()] = from
	}
	for _, r := range e.group.FlushFor(ctx, within) {
		one := exportReport{Destination: r.Destination, Signal: r.Signal, Before: before[r.Destination], Next: r.Next, Refused: r.Refused, Left: r.Left}
		if r.Err != nil {
			one.Error = r.Err.Error()
		}
		a.Reports = append(a.Reports, one)
	}
	return a
}

// position is where a destination is, after it was taken back where that is asked for.
func (e Export) position(ctx context.Context, x *exporters.Exporter, back *rewind, within time.Duration) (event.Seq, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if !back.covers(x.Signal()) {
		return x.Position(ctx)
	}
	from, err := x.Rewind(ctx, back.From)
	if err != nil || back.From >= from {
		return from, err
	}
	return back.From, e.note(ctx, &event.ExportGapPayload{Destination: x.Name(), Signal: x.Signal(), From: back.From, To: from - 1, Reason: "backfill"})
}

func (r *rewind) covers(signal string) bool {
	if r == nil {
		return false
	}
	return slices.Contains(r.Signals, signal)
}

// errNoExporters means that the process that owns the ledger exports nothing.
var errNoExporters = errors.New("the process that owns the ledger exports nothing: it runs without [otel] and [[siem]], or is just ending; " +
	"the records stay in the ledger, try again when it has ended")

// askExport asks the owner's exporters, or those of this process where it is the owner and exports.
func (s *Store) askExport(ctx context.Context, q exportQuestion) (exportAnswer, error) {
	question, err := json.Marshal(q)
	if err != nil {
		return exportAnswer{}, err
	}
	b, err := s.Bus.Ask(ctx, exportTopic, question)
	switch {
	case errors.Is(err, bus.ErrNobody):
		return exportAnswer{}, errNoExporters
	case err != nil:
		return exportAnswer{}, fmt.Errorf("ask the process that owns the ledger to export: %w", err)
	}
	var a exportAnswer
	if err := json.Unmarshal(b, &a); err != nil {
		return a, fmt.Errorf("the answer of the process that owns the ledger cannot be read: %w", err)
	}
	if a.Error != "" {
		return a, fmt.Errorf("the process that owns the ledger: %s", a.Error)
	}
	return a, nil
}
