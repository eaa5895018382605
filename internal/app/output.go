package app

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"

	"proctor/internal/cli"
)

// output is standard output that remembers that a write failed. The run goes on, since the
// ledger has everything; but a pipeline that kept the output must learn that it is not whole.
type output struct {
	w   io.Writer
	mu  sync.Mutex
	err error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if err != nil && !errors.Is(err, syscall.EPIPE) { // a reader that had enough is no failure
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.err == nil {
			o.err = err
		}
	}
	return n, err
}

func (o *output) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		return nil
	}
	return cli.Fail(cli.Failure, fmt.Errorf("standard output is not whole: %w; 'proctor replay --last' has everything", o.err))
}
