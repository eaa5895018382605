package executor

import (
	"context"
	"sync"
	"time"

	"proctor/event"
)

// heart records that a session still runs, so that the record tells a long one from one whose process is gone.
type heart struct {
	stop chan struct{}
	work sync.WaitGroup
}

// start beats until end. A beat that is not accepted is the last one: the next thing that must be recorded says why.
func (h *heart) start(ctx context.Context, s *event.Stream, every time.Duration) {
	if every <= 0 || h.stop != nil {
		return
	}
	h.stop = make(chan struct{})
	h.work.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-h.stop:
				return
			case <-tick.C:
			}
			if s.PublishAnyway(ctx, event.Draft{Actor: event.System, Payload: &event.SessionHeartbeatPayload{Every: every.Milliseconds()}}) != nil {
				return
			}
		}
	})
}

func (h *heart) end() {
	if h.stop != nil {
		close(h.stop)
		h.work.Wait()
		h.stop = nil
	}
}
