package siem

import (
	"context"
	"fmt"
	"io"

	"proctor/event"
	"proctor/exporters"
	"proctor/internal/redact"
)

// Writer is a destination around an io.Writer.
type Writer struct {
	name   string
	w      io.Writer
	policy *redact.Policy
	torn   bool // the last write failed; owned by the batch in flight
}

// NewWriter makes a destination. name is the cursor key: the path of the file. When w has a
// Sync method it is called after each batch; when it is an io.Closer, Close closes it.
func NewWriter(name string, w io.Writer, policy *redact.Policy) *Writer {
	return &Writer{name: name, w: w, policy: policy}
}

// Name implements exporters.Destination, as do the methods below.
func (w *Writer) Name() string { return "ndjson/" + w.name }

// Signal is events.
func (w *Writer) Signal() string { return "events" }

// Close closes the writer below.
func (w *Writer) Close() error {
	if c, ok := w.w.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// NewBatch starts a batch.
func (w *Writer) NewBatch(limits exporters.Limits) exporters.Batch {
	return &batch{to: w, limits: limits}
}

type batch struct {
	to     *Writer
	limits exporters.Limits
	lines  []byte
	n      int
}

func (b *batch) Records() int { return b.n }

func (b *batch) Add(_ context.Context, entry event.Entry) (bool, error) {
	if entry.Kind == event.ExecOutput || entry.Kind == event.HistoryItem {
		return true, nil
	}
	line, err := Map(entry, b.to.policy)
	if err != nil {
		return true, err
	}
	if b.n >= b.limits.Records || b.n > 0 && len(b.lines)+len(line) > b.limits.Bytes {
		return false, nil
	}
	b.lines = append(b.lines, line...)
	b.n++
	return true, nil
}

func (b *batch) Send(context.Context) (exporters.Result, error) {
	out := b.lines
	if b.to.torn {
		out = append([]byte("\n"), out...)
	}
	b.to.torn = true
	if _, err := b.to.w.Write(out); err != nil {
		return exporters.Result{}, fmt.Errorf("write %d events to %s: %w", b.n, b.to.name, err)
	}
	b.to.torn = false
	if s, ok := b.to.w.(interface{ Sync() error }); ok {
		if err := s.Sync(); err != nil {
			return exporters.Result{}, fmt.Errorf("sync %s: %w", b.to.name, err)
		}
	}
	return exporters.Result{}, nil
}
