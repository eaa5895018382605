package cli_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"proctor/event"
	"proctor/internal/cli"
)

func TestWhatIsInterruptedHasNotFailed(t *testing.T) {
	running := t.Context()
	interrupted, cancel := context.WithCancelCause(running)
	cancel(cli.ErrInterrupted)
	terminated, cancel := context.WithCancelCause(running)
	cancel(cli.ErrTerminated)
	cancelled := fmt.Errorf("read: %w", context.Canceled)
	for name, tt := range map[string]struct {
		ctx  context.Context
		err  error
		want cli.Exit
	}{
		"done":                     {interrupted, nil, cli.OK},
		"interrupted":              {interrupted, cli.Fail(cli.Failure, cancelled), cli.Interrupt},
		"terminated":               {terminated, cli.Fail(cli.Failure, cancelled), cli.Termination},
		"with its cause":           {interrupted, cli.Fail(cli.Failure, fmt.Errorf("ask: %w", cli.ErrInterrupted)), cli.Interrupt},
		"a failure of its own":     {interrupted, cli.Fail(cli.Gate, errors.New("found something")), cli.Gate},
		"cancelled within":         {running, cli.Fail(cli.Failure, cancelled), cli.Failure},
		"not recorded before that": {interrupted, cli.Fail(cli.Failure, errors.Join(event.ErrNotRecorded, cancelled)), cli.NotDurable},
	} {
		if got := cli.ExitOf(cli.Ended(tt.ctx, tt.err)); got != tt.want {
			t.Errorf("%s: exit status %d, want %d", name, got, tt.want)
		}
	}
}
