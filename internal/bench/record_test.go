//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"proctor/bus"
	"proctor/event"
	"proctor/ledger"
)

// BenchmarkRecord is durable records a second through a stream, the bus and the ledger, against the same ledger fed
// directly with the same encoded events. With the ratio of the ledger's own BenchmarkAppend it gives that against bare Pebble.
func BenchmarkRecord(b *testing.B) {
	for _, writers := range []int{1, 16, 128} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) { benchRecord(b, writers) })
	}
}

const recordRounds = 10

func benchRecord(b *testing.B, writers int) {
	through, direct := openBus(b), openLedger(b)
	streams := make([]*event.Stream, writers)
	for i := range streams {
		var err error
		if streams[i], err = event.NewStream(fmt.Sprintf("writer-%d", i), 0, "", "", through, time.Now); err != nil {
			b.Fatal(err)
		}
	}
	each := max(1, b.N/(recordRounds*writers))
	last := make([]uint64, writers)
	var ours, theirs time.Duration
	b.ResetTimer()
	for round := range recordRounds {
		a := func() {
			ours += together(writers, func(i int) error {
				for range each {
					if _, err := streams[i].Record(b.Context(), event.Draft{Actor: event.User, Payload: record()}); err != nil {
						return err
					}
				}
				return nil
			})
		}
		z := func() {
			theirs += together(writers, func(i int) error {
				for range each {
					last[i]++
					if err := submit(direct, fmt.Sprintf("writer-%d", i), last[i]); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if round%2 == 0 {
			a()
			z()
		} else {
			z()
			a()
		}
	}
	n := float64(each * writers * recordRounds)
	b.ReportMetric(n/ours.Seconds(), "records/s")
	b.ReportMetric(n/theirs.Seconds(), "direct/s")
	b.ReportMetric(theirs.Seconds()/ours.Seconds(), "ratio")
}

func record() event.Payload {
	return &event.UserPromptPayload{Length: 400, Prompt: event.Secret(strings.Repeat("record ", 57))}
}

func submit(l *ledger.Ledger, session string, seq uint64) error {
	e := &event.Event{ID: event.NewID(), Kind: record().Kind(), Schema: 1, Session: session, Seq: seq, Time: time.Now(), Actor: event.User, Payload: record()}
	enc, err := event.Encode(e)
	if err != nil {
		return err
	}
	answer := make(chan error, 1)
	l.Submit([]event.Encoded{enc}, func(_ []event.Receipt, err error) { answer <- err })
	return <-answer
}

func openLedger(b *testing.B) *ledger.Ledger {
	dir := b.TempDir()
	if *folder != "" {
		var err error
		if dir, err = os.MkdirTemp(*folder, "record-"); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = os.RemoveAll(dir) })
	}
	l, err := ledger.Open(filepath.Join(dir, "ledger"), ledger.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	return l
}

func openBus(b *testing.B) *bus.Bus {
	l := openLedger(b)
	s, err := bus.Start(bus.Options{})
	if err != nil {
		b.Fatal(err)
	}
	detach, err := s.Attach(l)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { detach(); _ = s.Close(context.Background()) })
	return s
}

func together(n int, f func(int) error) time.Duration {
	began := time.Now()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if err := f(i); err != nil {
				panic(err)
			}
		})
	}
	wg.Wait()
	return time.Since(began)
}
