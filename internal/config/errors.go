package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Error is one problem of a configuration. Load joins all it found; take them
// apart with [Problems].
type Error struct {
	File         string // path, or the flag as typed; empty when unknown
	Line, Column int    // begin at 1, 0 = unknown
	Key          string // dotted, empty for a problem of the whole file
	Got          string
	Expected     string
	Hint         string // what to do next
	Excerpt      string // source lines with carets, for syntax errors
	Err          error  // cause, may be nil
}

// Source is the file, or the flag, the problem is in.
func (e *Error) Source() string { return e.File }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Error is one line, followed by the excerpt when there is one.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(place(e.File, e.Line, e.Column))
	if e.Key != "" {
		sep(&b, ": ")
		b.WriteString(e.Key)
	}
	if e.Got != "" {
		sep(&b, ": ")
		b.WriteString(e.Got)
	}
	if e.Err != nil {
		sep(&b, ": ")
		b.WriteString(e.Err.Error())
	}
	if e.Expected != "" {
		sep(&b, "; ")
		b.WriteString("expected " + e.Expected)
	}
	if e.Hint != "" {
		sep(&b, "; ")
		b.WriteString(e.Hint)
	}
	if e.Excerpt != "" {
		sep(&b, "\n")
		b.WriteString(strings.TrimRight(e.Excerpt, "\n"))
	}
	return b.String()
}

func sep(b *strings.Builder, s string) {
	if b.Len() > 0 {
		b.WriteString(s)
	}
}

func place(file string, line, column int) string {
	if line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d:%d", file, line, column)
}

// UsageError is a command line that cannot be understood or contradicts itself.
type UsageError struct {
	Flag string
	Msg  string
}

func (e *UsageError) Error() string { return e.Flag + ": " + e.Msg }

// Problems takes an error of Load apart, in the order found.
func Problems(err error) []*Error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*Error); ok { //nolint:errorlint // the outermost only: its cause is part of it
		return []*Error{e}
	}
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*Error
		for _, one := range j.Unwrap() {
			all = append(all, Problems(one)...)
		}
		return all
	}
	return Problems(errors.Unwrap(err))
}

// WarningKind is the machine word of a warning.
type WarningKind string

// The kinds. A note is worth reading and needs no action.
const (
	WarnClamped    WarningKind = "clamped"    // outside of an allowed list, replaced
	WarnOverridden WarningKind = "overridden" // a requirement fixes another value
	WarnUnknownKey WarningKind = "unknown_key"
	WarnDeprecated WarningKind = "deprecated"
	WarnDropped    WarningKind = "dropped" // not accepted from a project file
	WarnNote       WarningKind = "note"
)

// Warning is something a person should know; the run goes on.
type Warning struct {
	Kind    WarningKind `json:"kind"`
	Key     string      `json:"key"`
	Keys    []string    `json:"keys,omitempty"` // all of them, when one warning names several
	Layer   Layer       `json:"layer"`
	File    string      `json:"file,omitempty"` // of the rule for clamped and overridden, else of the key
	Line    int         `json:"line,omitempty"`
	Column  int         `json:"column,omitempty"`
	Message string      `json:"message"`
}

// Source is the file, or the flag, the warning is about.
func (w Warning) Source() string { return w.File }

// String is one line for a person.
func (w Warning) String() string {
	at := place(w.File, w.Line, w.Column)
	if at == "" {
		return w.Message
	}
	return at + ": " + w.Message
}

// report collects the problems of one load.
type report struct {
	errs     []error // each an *Error
	dropped  int
	warnings []Warning
}

func (r *report) fail(e *Error) {
	if len(r.errs) >= maxProblems {
		r.dropped++
		return
	}
	r.errs = append(r.errs, e)
}

func (r *report) failAt(o Origin, key, got, expected, hint string) {
	r.fail(&Error{File: o.File, Line: o.Line, Column: o.Column, Key: key, Got: got, Expected: expected, Hint: hint})
}

// warn adds w once; the same words about the same place are not repeated.
func (r *report) warn(kind WarningKind, o Origin, key, format string, args ...any) {
	w := Warning{Kind: kind, Key: key, Layer: o.Layer, File: o.File, Line: o.Line, Column: o.Column,
		Message: fmt.Sprintf(format, args...)}
	for _, old := range r.warnings {
		if old.Kind == w.Kind && old.Key == w.Key && old.File == w.File && old.Line == w.Line && old.Message == w.Message {
			return
		}
	}
	if len(r.warnings) < maxProblems {
		r.warnings = append(r.warnings, w)
	}
}

// full reports whether one more problem would only be counted; finding its words
// costs time that a hostile file could multiply.
func (r *report) full(asError bool) bool {
	if !asError {
		return len(r.warnings) >= maxProblems
	}
	if len(r.errs) < maxProblems {
		return false
	}
	r.dropped++
	return true
}

func (r *report) err() error {
	errs := slices.Clone(r.errs)
	slices.SortStableFunc(errs, func(a, b error) int { // as a person reads the files
		x, y := a.(*Error), b.(*Error) //nolint:errorlint // fail takes no others
		return cmp.Or(strings.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line), cmp.Compare(x.Column, y.Column))
	})
	if r.dropped > 0 {
		errs = append(errs, fmt.Errorf("%d more problems not shown", r.dropped))
	}
	return errors.Join(errs...)
}
