package netproxy

import (
	"context"
	"sync"
)

// workers are goroutines that do one thing after the other, so that each is started on a stack that has grown already. They
// end with their context.
type workers struct {
	ctx  context.Context
	idle chan func()
	all  sync.WaitGroup
}

func newWorkers(ctx context.Context) *workers { return &workers{ctx: ctx, idle: make(chan func())} }

// do runs f, in a goroutine that waits for work or a new one.
func (w *workers) do(f func()) {
	select {
	case w.idle <- f:
	default:
		w.all.Go(func() { w.work(f) })
	}
}

func (w *workers) work(f func()) {
	for {
		f()
		select {
		case f = <-w.idle:
		case <-w.ctx.Done():
			return
		}
	}
}

// wait returns when all have ended. Nothing more may be done.
func (w *workers) wait() { w.all.Wait() }
