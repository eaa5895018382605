package app

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"proctor/internal/config"
)

// Signals cancels ctx on SIGINT, SIGTERM and, unless it is ignored as under nohup, SIGHUP, with a
// cause that ExitOf knows. A second signal ends the process at once, as if there were no handler.
func Signals(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, syscall.SIGINT, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(ch, syscall.SIGHUP)
	}
	done := make(chan struct{})
	go func() { // ends with stop
		defer close(done)
		select {
		case sig := <-ch:
			signal.Stop(ch)
			if sig == syscall.SIGINT {
				cancel(ErrInterrupted)
				return
			}
			cancel(ErrTerminated)
		case <-ctx.Done():
			signal.Stop(ch)
		}
	}()
	return ctx, func() { cancel(nil); <-done }
}

// survivePipes lets writes to a pipe whose reader went away fail instead of ending the
// process. The signal is caught and not ignored, so that commands do not inherit it.
func survivePipes() (stop func()) {
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, syscall.SIGPIPE)
	return func() { signal.Stop(ch) }
}

func asUsage(err error, target **config.UsageError) bool { return errors.As(err, target) }
