package event

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// batches is a Sink that keeps what was submitted together.
type batches struct{ sent [][]*Event }

func (b *batches) Submit(_ context.Context, events ...*Event) (Pending, error) {
	for _, e := range events {
		if p, ok := e.Payload.(*HistoryItemPayload); ok && len(events) > 1 && p.ItemType == "large" {
			return nil, ErrTooLarge
		}
	}
	b.sent = append(b.sent, events)
	return made(len(events)), nil
}

type made int

func (n made) Wait(context.Context) ([]Receipt, error) {
	receipts := make([]Receipt, n)
	for i := range receipts {
		receipts[i].Seq = Seq(i)
	}
	return receipts, nil
}

// Facts that wait for company travel with the next events, in order, and alone when none come.
func TestPublishSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &batches{}
		s, err := NewStream("s", 0, "", "", sink, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		fact := Draft{Payload: &ReviewStartedPayload{ApprovalID: "a"}}
		began := time.Now()
		if err := s.PublishSoon(fact); err != nil || len(sink.sent) != 0 {
			t.Fatal(err, sink.sent)
		}
		time.Sleep(time.Millisecond)
		receipts, err := s.Record(t.Context(), Draft{Payload: &HistoryItemPayload{}}, Draft{Payload: &HistoryItemPayload{}})
		if err != nil || len(receipts) != 2 || receipts[0].Seq != 1 {
			t.Fatalf("receipts of one's own: %v, %v", receipts, err)
		}
		if len(sink.sent) != 1 || len(sink.sent[0]) != 3 || sink.sent[0][0].Seq != 1 || sink.sent[0][2].Seq != 3 || !sink.sent[0][0].Time.Equal(began) {
			t.Fatalf("one submission with the fact first, at its own time: %+v", sink.sent)
		}
		_ = s.PublishSoon(fact)
		time.Sleep(time.Second)
		if len(sink.sent) != 2 || sink.sent[1][0].Seq != 4 {
			t.Fatalf("alone after a while: %+v", sink.sent)
		}
		_ = s.PublishSoon(fact)
		if counts, last := s.Counts(); last != 5 || counts[ReviewStarted] != 3 {
			t.Fatalf("counted: %v %d", counts, last)
		}
		_ = s.PublishSoon(fact)
		if _, err := s.Record(t.Context(), Draft{Payload: &HistoryItemPayload{ItemType: "large"}}); err != nil || len(sink.sent) != 5 {
			t.Fatalf("too large together, sent one by one: %v %d", err, len(sink.sent))
		}
		for range maxSoon {
			_ = s.PublishSoon(fact)
		}
		if n := len(sink.sent); n != 6 || len(sink.sent[5]) != maxSoon {
			t.Fatalf("%d submissions", n)
		}
		_ = s.PublishSoon(fact)
		if err := s.Flush(); err != nil || len(sink.sent) != 7 {
			t.Fatalf("flushed: %v", err)
		}
		time.Sleep(time.Second)
	})
}
