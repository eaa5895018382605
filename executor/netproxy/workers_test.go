package netproxy

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
)

func TestWorkersAreUsedAgainAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		w := newWorkers(ctx)
		done := 0
		w.do(func() { done++ })
		synctest.Wait()
		one := runtime.NumGoroutine()
		for range 5 {
			w.do(func() { done++ })
			synctest.Wait()
		}
		if done != 6 || runtime.NumGoroutine() != one {
			t.Errorf("%d things done, %d goroutines after one was enough", done, runtime.NumGoroutine()-one)
		}
		release := make(chan struct{})
		w.do(func() { <-release; done++ })
		synctest.Wait()
		cancel()
		go func() { close(release) }()
		w.wait() // for what goes on, too
		if done != 7 {
			t.Error("wait did not wait")
		}
	})
}
