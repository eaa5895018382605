package executor

import (
	"testing"
	"testing/synctest"
	"time"

	"proctor/event"
)

// TestAnOpenSessionBeats lets a session be open for sixteen minutes: it says so every five, with counts that are those of its events.
func TestAnOpenSessionBeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &record{failAt: -1}
		stream, err := event.NewStream("s", 0, "", "", sink, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		var h heart
		if err := stream.Publish(t.Context(), event.Draft{Payload: &event.TurnStartedPayload{}}); err != nil {
			t.Fatal(err)
		}
		h.start(t.Context(), stream, 5*time.Minute)
		time.Sleep(16 * time.Minute)
		h.end()
		time.Sleep(time.Hour)
		if err := stream.Flush(); err != nil {
			t.Fatal(err)
		}
		beats := sink.of(event.SessionHeartbeat)
		if len(beats) != 3 {
			t.Fatalf("%d beats in 16 minutes, want 3", len(beats))
		}
		for i, e := range beats {
			p := e.Payload.(*event.SessionHeartbeatPayload)
			if p.Every != 300_000 || p.Events != e.Seq || p.Counts[event.TurnStarted] != 1 || p.Counts[event.SessionHeartbeat] != uint64(i) {
				t.Errorf("beat %d: %+v, number %d", i, p, e.Seq)
			}
		}
	})
}

// TestABeatThatIsRefusedIsTheLast: nothing keeps a session from ending whose ledger is gone.
func TestABeatThatIsRefusedIsTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &record{}
		stream, err := event.NewStream("s", 0, "", "", sink, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		var h heart
		h.start(t.Context(), stream, time.Minute)
		time.Sleep(10 * time.Minute)
		h.end()
		if stream.Flush() == nil || len(sink.events) != 0 {
			t.Errorf("%d events, %v", len(sink.events), stream.Flush())
		}
	})
}
