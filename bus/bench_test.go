package bus_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"proctor/event"
)

// BenchmarkRecord is from the publishing of an event of about 1 KB to its durable receipt: by the owner itself, and by
// another member through the socket.
func BenchmarkRecord(b *testing.B) {
	for _, writers := range []int{1, 16, 128} {
		for _, path := range []string{"owner", "socket"} {
			b.Run(fmt.Sprintf("%s/writers=%d", path, writers), func(b *testing.B) {
				dir := b.TempDir()
				m := join(b, dir)
				if path == "socket" {
					m = join(b, dir)
				}
				text := strings.Repeat("x", 700)
				var left atomic.Int64
				left.Store(int64(b.N))
				var writing sync.WaitGroup
				b.ResetTimer()
				for range writers {
					s := m.stream(string(event.NewID()), 0)
					writing.Go(func() {
						for left.Add(-1) >= 0 {
							if _, err := s.Record(b.Context(), draft(text)); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				writing.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}
