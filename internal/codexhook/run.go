package codexhook

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// The times that Codex gives a hook which 'proctor codex install' wrote, and at most one at the end of a session.
const (
	DefaultTimeout = 60 * time.Second
	EndTimeout     = 3 * time.Second
)

// Deadline is when the answer must be there: four fifths of the time that Codex gives, and half of it at the end of a session, where it
// gives little: the small front may have knocked in vain before, outside of this clock.
func Deadline(timeout time.Duration, event string) time.Duration {
	if event == SessionEnd || event == Interrupt {
		return min(timeout, EndTimeout) / 2
	}
	return timeout / 5 * 4
}

// Options of Run.
type Options struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Timeout is what Codex gives this hook; DefaultTimeout when zero.
	Timeout time.Duration
	// Decide answers a payload. It may return late, fail or panic.
	Decide func(ctx context.Context, raw []byte) (Answer, error)
	// Exit ends the process when Decide, or Codex with its payload, is late; nil only hands out the answer.
	Exit func(status int)
}

// once gives one answer, whoever is first.
type once struct {
	o     Options
	mu    sync.Mutex
	event string
	given bool
	exit  int
}

func (x *once) give(a Answer) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.given {
		x.given, x.exit = true, a.Write(x.event, x.o.Stdout, x.o.Stderr)
	}
	return x.exit
}

// Run reads one payload and answers it, in time whatever happens. It returns the exit status.
func Run(ctx context.Context, o Options) (status int) {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	began := time.Now()
	x := &once{o: o}
	late := func() {
		status := x.give(Deny("proctor did not decide in time: nothing was allowed"))
		if o.Exit != nil {
			o.Exit(status)
		}
	}
	watchdog := time.AfterFunc(Deadline(o.Timeout, ""), late)
	defer watchdog.Stop()
	defer func() {
		if p := recover(); p != nil {
			status = x.give(Deny(fmt.Sprintf("proctor failed: %v", p)))
		}
	}()
	raw, err := io.ReadAll(io.LimitReader(o.Stdin, MaxPayload+1))
	event := EventOf(raw)
	x.mu.Lock()
	x.event = event
	x.mu.Unlock()
	if err != nil {
		return x.give(Deny("proctor could not read what Codex asks: " + err.Error()))
	}
	if _, err := Parse(raw); err != nil {
		return x.give(Deny("proctor: " + err.Error()))
	}
	left := Deadline(o.Timeout, event) - time.Since(began)
	watchdog.Reset(left)
	ctx, cancel := context.WithTimeout(ctx, left*9/10)
	defer cancel()
	a, err := o.Decide(ctx, raw)
	if err != nil {
		a = Deny("proctor could not decide or record this: " + err.Error())
	}
	return x.give(a)
}
