package auto

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"proctor/event"
	"proctor/reviewer"
)

// crowded is the request of review n of a session with a long transcript.
func crowded(session, n int) reviewer.Request {
	q := nth(n)
	q.Session = fmt.Sprint("s-", session)
	q.Context.Transcript = nil
	for i := range 60 {
		q.Context.Transcript = append(q.Context.Transcript, event.TranscriptEntry{Role: event.RoleResult, Tool: "exec_command", Text: strings.Repeat("some line of output\n", 50), Number: i + n})
	}
	return q
}

// 200 reviews at once, round after round: when they are over, what stays is the bounded conversations and nothing per review.
func TestMemoryStaysFlatUnderManyReviews(t *testing.T) {
	const together, rounds = 200, 6
	var waiting sync.WaitGroup
	release := make(chan struct{})
	m := asked(func(context.Context, Prompt) (string, error) {
		waiting.Done()
		<-release
		return allowText, nil
	})
	r := New(m, Options{})
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return int64(s.HeapAlloc)
	}
	var after, held []int64
	for round := range rounds {
		release = make(chan struct{})
		waiting.Add(together)
		var all sync.WaitGroup
		for i := range together {
			all.Go(func() {
				if v := r.Review(t.Context(), crowded(i%40, round*together+i+1)); v.Status != reviewer.Approved {
					t.Errorf("%+v", v)
				}
			})
		}
		waiting.Wait()
		held = append(held, heap())
		close(release)
		all.Wait()
		after = append(after, heap())
	}
	t.Logf("heap while 200 reviews wait %v, after each round %v", held, after)
	if grown := after[rounds-1] - after[1]; grown > 32<<20 {
		t.Errorf("the heap grew by %d bytes from round 2 to round %d", grown, rounds)
	}
	if n := len(r.trunks.kept); n > maxTrunks || len(r.trunks.busy) != 0 {
		t.Errorf("%d conversations, %d busy", n, len(r.trunks.busy))
	}
	if most := held[rounds-1] - after[rounds-1]; most > together*(1<<20) {
		t.Errorf("a waiting review holds %d bytes", most/together)
	}
}

func BenchmarkPrompt(b *testing.B) {
	r, q := New(nil, Options{}), crowded(1, 1)
	for b.Loop() {
		if _, err := r.prompt(q, lease{}); err != nil {
			b.Fatal(err)
		}
	}
}
