package human

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	"proctor/event"
	"proctor/policy"
	"proctor/reviewer"
)

// Options of a Terminal.
type Options struct {
	// Name is who answers, "unknown" when empty.
	Name string
	// Interactive says that In and Out are a terminal with a person at it. Without it all requests are refused.
	Interactive bool
}

// Terminal asks on one terminal. It may be used from several goroutines.
type Terminal struct {
	out   io.Writer
	opts  Options
	turn  chan struct{} // holds one token: who has it owns the terminal
	lines *lines
}

// New makes a Terminal that reads answers from in and writes questions to out.
func New(in io.Reader, out io.Writer, o Options) *Terminal {
	if o.Name == "" {
		o.Name = "unknown"
	}
	t := &Terminal{out: out, opts: o, turn: make(chan struct{}, 1), lines: newLines(in)}
	t.turn <- struct{}{}
	return t
}

// Close lets the reading goroutine end with its next read. Questions still open are refused.
func (t *Terminal) Close() { t.lines.close() }

// Identity implements reviewer.Reviewer.
func (t *Terminal) Identity() reviewer.Identity {
	return reviewer.Identity{Name: "user:" + t.opts.Name, Actor: event.User}
}

// Review implements reviewer.Reviewer.
func (t *Terminal) Review(ctx context.Context, r reviewer.Request) reviewer.Verdict {
	if !t.opts.Interactive {
		return refused(policy.ReasonNotInteractive, "nobody can be asked: input and output are not a terminal")
	}
	select {
	case <-t.turn:
		defer func() { t.turn <- struct{}{} }()
	case <-ctx.Done():
		return reviewer.Ended(ctx, 0)
	}
	text, whole := question(r)
	t.lines.begin()
	if _, err := io.WriteString(t.out, text); err != nil {
		return refused(policy.ReasonNotInteractive, "the question could not be shown: "+err.Error())
	}
	v := t.answer(ctx, r, whole)
	if v.Status == reviewer.TimedOut {
		_, _ = fmt.Fprintln(t.out, "no answer in time: refused") // the verdict does not depend on it
	}
	return v
}

// maxTries bounds how often an answer that was not understood is asked again.
const maxTries = 3

func (t *Terminal) answer(ctx context.Context, r reviewer.Request, whole bool) reviewer.Verdict {
	for range maxTries {
		line, err := t.lines.next(ctx)
		if ctx.Err() != nil {
			return reviewer.Ended(ctx, 0)
		}
		if err != nil {
			return refused(policy.ReasonUserDenied, "the input ended without an answer")
		}
		switch scope, known := meaning(r, line); {
		case known && scope == "":
			return refused(policy.ReasonUserDenied, "")
		case known && !whole:
			return refused(policy.ReasonActionTooLarge, "the action is too large to be shown whole, so it cannot be approved here")
		case known:
			return approved(scope)
		}
		if _, err := io.WriteString(t.out, "please answer "+choices(r)+": "); err != nil {
			break
		}
	}
	return refused(policy.ReasonAnswerUnclear, "no answer was understood")
}

// meaning is the scope that an answer approves, "" for no; false when it is none of the choices.
func meaning(r reviewer.Request, line string) (scope string, known bool) {
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "n", "no":
		return "", true
	case "y", "yes", "once":
		return reviewer.Once, true
	case "session":
		return reviewer.Session, !r.OneShot || r.Kind == event.ActionPermissions
	case "rule":
		return reviewer.Rule, len(r.Amendment.Prefix) > 0
	}
	return "", false
}

func approved(scope string) reviewer.Verdict {
	return reviewer.Verdict{Status: reviewer.Approved, Scope: scope, Reason: policy.ReasonUserApproved, Failure: reviewer.NoFailure}
}

func refused(r policy.Reason, why string) reviewer.Verdict {
	return reviewer.Verdict{Status: reviewer.Denied, Reason: r, Failure: reviewer.NoFailure, Rationale: why}
}

// lines reads its input as it comes and keeps the latest, so that nothing typed early waits in a pipe.
type lines struct {
	in    io.Reader
	start sync.Once
	wake  chan struct{} // holds a token when there is something new

	mu     sync.Mutex
	buffer []byte // typed since begin, at most maxLine
	err    error  // why reading ended
	closed bool
}

// maxLine bounds one answer in bytes; the rest of a longer line is dropped.
const maxLine = 4 << 10

func newLines(in io.Reader) *lines {
	return &lines{in: in, wake: make(chan struct{}, 1)}
}

// begin forgets what was typed before and starts reading.
func (l *lines) begin() {
	l.mu.Lock()
	l.buffer = nil
	l.mu.Unlock()
	l.start.Do(func() { go l.read() })
}

func (l *lines) read() {
	chunk := make([]byte, 1024)
	for {
		n, err := l.in.Read(chunk)
		l.mu.Lock()
		for _, b := range chunk[:n] {
			if len(l.buffer) < maxLine || b == '\n' && l.buffer[len(l.buffer)-1] != '\n' {
				l.buffer = append(l.buffer, b)
			}
		}
		l.err = err
		done := err != nil || l.closed
		l.mu.Unlock()
		l.signal()
		if done {
			return
		}
	}
}

func (l *lines) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *lines) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.signal()
}

// next waits for a whole line. A last line without its end is no answer.
func (l *lines) next(ctx context.Context) (string, error) {
	for {
		line, ok, err := l.take()
		if ok || err != nil {
			return line, err
		}
		select {
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case <-l.wake:
		}
	}
}

func (l *lines) take() (string, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	line, rest, ok := strings.Cut(string(l.buffer), "\n")
	switch {
	case ok:
		l.buffer = []byte(rest)
		return line, true, nil
	case l.err != nil:
		return "", false, l.err
	case l.closed:
		return "", false, io.EOF
	}
	return "", false, nil
}
