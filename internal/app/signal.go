package app

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"proctor/internal/config"
)

// Signals cancels ctx on SIGINT and SIGTERM, with a cause that ExitOf knows. A
// second signal ends the process at once, as if there were no handler.
func Signals(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, syscall.SIGINT, syscall.SIGTERM)
	done := make(chan struct{})
	go func() { // ends with stop
		defer close(done)
		select {
		case sig := <-ch:
			signal.Stop(ch)
			if sig == syscall.SIGTERM {
				cancel(ErrTerminated)
				return
			}
			cancel(ErrInterrupted)
		case <-ctx.Done():
			signal.Stop(ch)
		}
	}()
	return ctx, func() { cancel(nil); <-done }
}

func asUsage(err error, target **config.UsageError) bool { return errors.As(err, target) }
