package bus_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"proctor/bus"
	"proctor/bus/bustest"
	"proctor/event"
	"proctor/ledger"
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

// BenchmarkRecordOnACluster is the same with three servers on this machine, which share its disk and processors with the writers.
func BenchmarkRecordOnACluster(b *testing.B) {
	s := bustest.Start(b, 3)
	l, err := ledger.Open(b.TempDir(), ledger.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	ctx, cancel := context.WithCancel(b.Context())
	var serving sync.WaitGroup
	serving.Go(func() {
		o := clusterOptions(s, "node")
		o.Partitions = 4
		if err := bus.ServeNode(ctx, o, bus.NodeOptions{Name: "a", Identity: l.PublicKey()}, l); err != nil {
			b.Error(err)
		}
	})
	defer serving.Wait()
	defer cancel()
	m := dialCluster(b, s)
	text := strings.Repeat("x", 700)
	for _, writers := range []int{1, 16, 128} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			var left atomic.Int64
			left.Store(int64(b.N))
			var writing sync.WaitGroup
			b.ResetTimer()
			for range writers {
				stream, err := event.NewStream(string(event.NewID()), 0, "", "", m, time.Now)
				if err != nil {
					b.Fatal(err)
				}
				writing.Go(func() {
					for left.Add(-1) >= 0 {
						if _, err := stream.Record(b.Context(), draft(text)); err != nil {
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
