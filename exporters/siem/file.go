package siem

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"proctor/exporters"
	"proctor/internal/redact"
)

// lines writes one line for each record, and syncs after each batch where the writer can.
type lines struct {
	name string
	w    io.Writer
	torn bool // the last write failed
}

// NewWriter is a destination of NDJSON around an io.Writer. name is the cursor key. When w has a Sync method it is called after each
// batch; when it is an io.Closer, Close closes it.
func NewWriter(name string, w io.Writer, policy *redact.Policy) *Destination {
	return &Destination{Options{Name: name, Format: NDJSON, Policy: policy}, &lines{name: name, w: w}}
}

func (l *lines) frame(r record) []byte { return append(r.line, '\n') }

func (l *lines) send(_ context.Context, frames [][]byte, _ *any) (exporters.Result, error) {
	out := bytes.Join(frames, nil)
	if l.torn { // a torn line must not swallow a whole one
		out = append([]byte("\n"), out...)
	}
	l.torn = true
	if _, err := l.w.Write(out); err != nil {
		return exporters.Result{}, fmt.Errorf("write %d events to %s: %w", len(frames), l.name, err)
	}
	l.torn = false
	if s, ok := l.w.(interface{ Sync() error }); ok {
		if err := s.Sync(); err != nil {
			return exporters.Result{}, fmt.Errorf("sync %s: %w", l.name, err)
		}
	}
	return exporters.Result{}, nil
}

func (l *lines) close() error {
	if c, ok := l.w.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// rotating is a file that makes room: before a write would bring it above max bytes it becomes PATH.1, that PATH.2, and so on up to keep.
type rotating struct {
	path string
	max  int64
	keep int
	f    *os.File
	size int64
}

func openRotating(path string, limit int64, keep int) (*rotating, error) {
	r := &rotating{path: path, max: limit, keep: keep}
	return r, r.open()
}

func (r *rotating) open() error {
	f, err := os.OpenFile(r.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return err
	}
	r.f, r.size = f, info.Size()
	return nil
}

func (r *rotating) Write(p []byte) (int, error) {
	if r.f == nil { // a rotation failed half way
		if err := r.open(); err != nil {
			return 0, err
		}
	}
	if r.max > 0 && r.size > 0 && r.size+int64(len(p)) > r.max {
		if err := r.rotate(); err != nil {
			return 0, fmt.Errorf("rotate: %w", err)
		}
	}
	n, err := r.f.Write(p)
	r.size += int64(n)
	return n, err
}

func (r *rotating) rotate() error {
	err := r.f.Close()
	r.f = nil
	if err != nil {
		return err
	}
	name := func(i int) string {
		if i == 0 {
			return r.path
		}
		return fmt.Sprintf("%s.%d", r.path, i)
	}
	if r.keep == 0 {
		if err := os.Remove(r.path); err != nil {
			return err
		}
	}
	for i := r.keep - 1; i >= 0; i-- {
		if err := os.Rename(name(i), name(i+1)); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return r.open()
}

// Sync makes what was written durable.
func (r *rotating) Sync() error { return r.f.Sync() }

// Close closes the file.
func (r *rotating) Close() error {
	if r.f == nil {
		return nil
	}
	return r.f.Close()
}
