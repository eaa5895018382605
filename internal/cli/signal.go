package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"proctor/executor/sandbox"
)

// Signals cancels ctx on SIGINT, SIGTERM and, unless it is ignored as under nohup, SIGHUP, with a
// cause that ExitOf knows. After a moment, in which the same wish may arrive twice (timeout(1) signals
// the process and its group), a second signal ends the process at once, as if there were no handler.
func Signals(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, syscall.SIGINT, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(ch, syscall.SIGHUP)
	}
	end, done := make(chan struct{}), make(chan struct{})
	go func() { // ends with stop
		defer close(done)
		defer signal.Stop(ch)
		select {
		case sig := <-ch:
			if sig == syscall.SIGINT {
				cancel(ErrInterrupted)
			} else {
				cancel(ErrTerminated)
			}
		case <-end:
			return
		}
		select {
		case <-time.After(secondSignal):
		case <-end:
		}
	}()
	return ctx, func() { close(end); cancel(nil); <-done }
}

// secondSignal is how long after the first signal further ones mean the same.
const secondSignal = time.Second

// SurvivePipes lets writes to a pipe whose reader went away fail instead of ending the
// process. The signal is caught and not ignored, so that commands do not inherit it.
func SurvivePipes() (stop func()) {
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, syscall.SIGPIPE)
	return func() { signal.Stop(ch) }
}

// Forward hands the signals that ask a process to end on to the command.
func Forward(p sandbox.Process) (stop func()) {
	ch := make(chan os.Signal, 8)
	signal.Notify(ch, syscall.SIGHUP, syscall.SIGQUIT)
	done := make(chan struct{})
	go func() { // ends with stop
		defer close(done)
		for sig := range ch {
			_ = p.Signal(sig.(syscall.Signal))
		}
	}()
	return func() { signal.Stop(ch); close(ch); <-done }
}
