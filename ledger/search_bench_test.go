package ledger

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"proctor/event"
)

// BenchmarkSearch finds a command among a million events, or PROCTOR_BENCH_EVENTS: in the index, and in the newest entries
// that are not in it yet. It prints what the index costs beside.
func BenchmarkSearch(b *testing.B) {
	n := 1_000_000
	if text := os.Getenv("PROCTOR_BENCH_EVENTS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	l := openTest(b, b.TempDir(), Options{})
	fillSearch(b, l, n-n%runEntries+runEntries-1) // the longest tail that is read entry by entry
	start := time.Now()
	if err := l.Index(b.Context(), nil); err != nil {
		b.Fatal(err)
	}
	build := time.Since(start)
	if err := l.db.Flush(); err != nil {
		b.Fatal(err)
	}
	var index, all uint64
	for _, r := range [][2]byte{{prefixTerm, prefixTerm + 1}, {prefixRun, prefixRun + 1}, {prefixRunTerms, prefixRunTerms + 1}} {
		size, err := l.db.EstimateDiskUsage([]byte{r[0]}, []byte{r[1]})
		if err != nil {
			b.Fatal(err)
		}
		index += size
	}
	all = l.db.Metrics().DiskSpaceUsage()
	for name, text := range map[string]string{
		"rare word": "word = needle", "word and path": "word = curl and path = /tmp/rare", "kind and session": "kind = exec_started and session = session-7", "nothing": "word = nowhere",
	} {
		q := query(b, text)
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			found := 0
			for b.Loop() {
				start := time.Now()
				found = 0
				if err := l.Search(b.Context(), q, func(event.Entry) error { found++; return nil }); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(found), "found")
			b.ReportMetric(took[len(took)/2].Seconds()*1e3, "p50-ms")
			b.ReportMetric(took[len(took)*99/100].Seconds()*1e3, "p99-ms")
			b.ReportMetric(build.Seconds()*1e6/float64(n), "build-us/event")
			b.ReportMetric(float64(index)/float64(all)*100, "index-%-of-disk")
		})
	}
}

// fillSearch records n events in sessions of 500: one in ten decides or starts a command, the others are pieces of streams.
func fillSearch(b *testing.B, l *Ledger, n int) {
	words := []string{"curl", "git", "make", "go", "npm", "rm", "ls", "sed"}
	for i := 0; i < n; {
		var batch []*event.Event
		for len(batch) < 2000 && i < n {
			session := fmt.Sprintf("session-%d", i/500)
			if i%20 == 0 && n-i > 1 {
				argv := []string{words[i/20%len(words)], fmt.Sprintf("-n%d", i%97), fmt.Sprintf("/tmp/f%d", i%1009)}
				switch i {
				case n / 40 * 20, n / 60 * 20, n / 80 * 20:
					argv = []string{"curl", "needle", "/tmp/rare"}
				}
				batch = append(batch, ran(session, argv...)...)
				i += 2
				continue
			}
			batch = append(batch, newEvent(session, 0, "", &event.SSEEventPayload{}))
			i++
		}
		if _, err := l.Append(b.Context(), batch...); err != nil {
			b.Fatal(err)
		}
	}
}
