package human

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

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

// Input is the keyboard of a terminal. It is used by one question at a time, and read by nobody between questions: what is typed then
// belongs to whatever else reads the terminal.
type Input interface {
	// Begin throws away what was typed before and returns what is typed from now on.
	Begin() (io.Reader, error)
	// End makes the reader of Begin end with io.EOF, also one that waits.
	End()
}

// Terminal asks on one terminal. It may be used from several goroutines.
type Terminal struct {
	in   Input
	out  io.Writer
	opts Options
	turn chan struct{} // holds one token: who has it owns the terminal
}

// New makes a Terminal that reads answers from in and writes questions to out.
func New(in Input, out io.Writer, o Options) *Terminal {
	if o.Name == "" {
		o.Name = "unknown"
	}
	t := &Terminal{in: in, out: out, opts: o, turn: make(chan struct{}, 1)}
	t.turn <- struct{}{}
	return t
}

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
	if _, err := io.WriteString(t.out, text); err != nil {
		return refused(policy.ReasonNotInteractive, "the question could not be shown: "+err.Error())
	}
	in, err := t.in.Begin()
	if err != nil {
		return refused(policy.ReasonNotInteractive, "the answer could not be read: "+err.Error())
	}
	typed := read(in)
	defer func() { t.in.End(); typed.wait() }()
	if _, err := io.WriteString(t.out, "Allow? "+choices(r)+": "); err != nil {
		return refused(policy.ReasonNotInteractive, "the question could not be shown: "+err.Error())
	}
	v := t.answer(ctx, r, typed, whole)
	switch v.Status { // the verdict does not depend on what is said
	case reviewer.TimedOut:
		t.say("no answer in time: refused")
	case reviewer.Aborted:
		t.say(elsewhere(ctx))
	default:
		if v.Reason == policy.ReasonUserDenied && v.Rationale == inputEnded || v.Reason != policy.ReasonUserDenied && v.Status == reviewer.Denied {
			t.say("refused: " + v.Rationale)
		}
	}
	return v
}

// elsewhere says why a question ended without an answer here.
func elsewhere(ctx context.Context) string {
	if a, ok := errors.AsType[*answered](context.Cause(ctx)); ok {
		return a.Error() // by somebody else, meanwhile
	}
	return ""
}

func (t *Terminal) say(text string) { _, _ = fmt.Fprintln(t.out, text) }

// maxTries bounds how often an answer that was not understood is asked again.
const maxTries = 3

// inputEnded is said of an input that ended, or a line that did.
const inputEnded = "the input ended without an answer"

func (t *Terminal) answer(ctx context.Context, r reviewer.Request, typed *lines, whole bool) reviewer.Verdict {
	for range maxTries {
		line, err := typed.next(ctx)
		if ctx.Err() != nil {
			return reviewer.Ended(ctx, 0)
		}
		if err != nil {
			return refused(policy.ReasonUserDenied, inputEnded)
		}
		if why, no := denial(line); no {
			return refused(policy.ReasonUserDenied, why)
		}
		switch scope, known := meaning(r, line); {
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

// denial reports whether a line says no, and what it says after that word.
func denial(line string) (why string, no bool) {
	word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	switch strings.ToLower(strings.TrimRight(word, ",:;.")) {
	case "n", "no":
		return strings.ToValidUTF8(strings.TrimSpace(rest), "\uFFFD"), true
	}
	return "", false
}

// meaning is the scope that an answer approves; false when it is none of the choices.
func meaning(r reviewer.Request, line string) (scope string, known bool) {
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes", "once":
		return reviewer.Once, true
	case "session":
		return reviewer.Session, forSession(r)
	case "rule":
		_, offered := ruleLine(r)
		return reviewer.Rule, offered
	}
	return "", false
}

func approved(scope string) reviewer.Verdict {
	return reviewer.Verdict{Status: reviewer.Approved, Scope: scope, Reason: policy.ReasonUserApproved, Failure: reviewer.NoFailure}
}

func refused(r policy.Reason, why string) reviewer.Verdict {
	return reviewer.Verdict{Status: reviewer.Denied, Reason: r, Failure: reviewer.NoFailure, Rationale: why}
}
