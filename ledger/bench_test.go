package ledger

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"proctor/event"
)

// BenchmarkAppend compares durable records per second with a bare Pebble that stores the same
// bytes (entry and content, nothing else), each writer with its own synced batch. Rounds of
// both take turns, so that a busy machine slows both; "ratio" is ledger over bare, the median
// of the rounds.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 16, 128} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) { benchAppend(b, writers) })
	}
}

// benchRound is how many records a round has.
const benchRound = 2048

func benchAppend(b *testing.B, writers int) {
	l, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	bare := openBare(b)
	defer bare.Close()

	streams := make([]*benchStream, writers)
	for i := range streams {
		streams[i] = &benchStream{session: fmt.Sprintf("writer-%d", i)}
	}
	each, rounds := max(1, benchRound/writers), max(1, b.N/benchRound)
	var ours, theirs time.Duration
	var ratios []float64
	b.ResetTimer()
	for round := range rounds {
		for _, s := range streams {
			s.fill(b, each)
		}
		var mine, bares time.Duration
		a := func() { mine = parallel(streams, func(s *benchStream, i int) error { return s.append(l, i) }) }
		z := func() { bares = parallel(streams, func(s *benchStream, i int) error { return s.bare(bare, i) }) }
		if round%2 == 0 {
			a()
			z()
		} else {
			z()
			a()
		}
		ours, theirs = ours+mine, theirs+bares
		ratios = append(ratios, bares.Seconds()/mine.Seconds())
	}
	n := float64(each * writers * rounds)
	slices.Sort(ratios)
	b.ReportMetric(n/ours.Seconds(), "records/s")
	b.ReportMetric(n/theirs.Seconds(), "bare/s")
	b.ReportMetric(ratios[len(ratios)/2], "ratio")
}

func openBare(b *testing.B) *pebble.DB {
	cache := pebble.NewCache(8 << 20)
	defer cache.Unref()
	db, err := pebble.Open(b.TempDir(), &pebble.Options{
		FS: vfs.Default, Cache: cache, MemTableSize: 4 << 20, Logger: newHealth(slog.New(slog.DiscardHandler)),
		FormatMajorVersion: pebble.FormatWALSyncChunks,
	})
	if err != nil {
		b.Fatal(err)
	}
	return db
}

// benchStream is one writer, with what it writes in the next round.
type benchStream struct {
	session string
	last    uint64
	encoded []event.Encoded
	entries [][]byte
	n       uint64
}

func (s *benchStream) fill(b *testing.B, n int) {
	s.encoded, s.entries = s.encoded[:0], s.entries[:0]
	for range n {
		s.last++
		enc := encode(b, output(s.session, s.last))
		s.encoded = append(s.encoded, enc)
		s.entries = append(s.entries, appendEntry(nil, stored{event.Seq(s.last), clock(), s.last, enc.Public}))
	}
}

func (s *benchStream) append(l *Ledger, i int) error {
	answer := make(chan error, 1)
	l.Submit(s.encoded[i:i+1], func(_ []event.Receipt, err error) { answer <- err })
	return <-answer
}

func (s *benchStream) bare(db *pebble.DB, i int) error {
	s.n++
	batch := db.NewBatch()
	defer batch.Close()
	key := binary.BigEndian.AppendUint64([]byte("e"+s.session), s.n)
	if err := batch.Set(key, s.entries[i], nil); err != nil {
		return err
	}
	key[0] = 'c'
	if err := batch.Set(key, s.encoded[i].Content, nil); err != nil {
		return err
	}
	return batch.Commit(pebble.Sync)
}

func parallel(streams []*benchStream, f func(*benchStream, int) error) time.Duration {
	start := time.Now()
	var wg sync.WaitGroup
	for _, s := range streams {
		wg.Go(func() {
			for i := range s.encoded {
				if err := f(s, i); err != nil {
					panic(err)
				}
			}
		})
	}
	wg.Wait()
	return time.Since(start)
}

// BenchmarkOpen is on the start path of every run.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	l, err := Open(dir, Options{})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := l.Append(context.Background(), prompts("s", 1, 300)...); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
		if l, err = Open(dir, Options{}); err != nil {
			b.Fatal(err)
		}
	}
	_ = l.Close()
}
