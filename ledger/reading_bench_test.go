//go:build linux

package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"golang.org/x/mod/sumdb/tlog"

	"proctor/event"
)

// BenchmarkReading is what it costs to read a large ledger: verifying it against hashing in memory and plain iteration, proofs, the scan of
// a session, opening, and appending to it. PROCTOR_BENCH_EVENTS says how large, a million otherwise. Rates are by processor time of the whole
// process, which a busy machine does not change much. It makes one ledger, or takes the one that an earlier run made in PROCTOR_BENCH_DIR, and
// needs -benchtime 1x.
func BenchmarkReading(b *testing.B) {
	n := 1_000_000
	if text := os.Getenv("PROCTOR_BENCH_EVENTS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	small := openTest(b, filepath.Join(b.TempDir(), "small"), Options{CheckpointInterval: -1})
	fillReading(b, small, 10_000)
	dir := os.Getenv("PROCTOR_BENCH_DIR")
	if dir == "" {
		dir = filepath.Join(b.TempDir(), "large")
	}
	raw := makeLarge(b, dir, n)
	l := benchOpen(b, dir, n)
	if err := l.Index(b.Context(), nil); err != nil { // or the owner does it beside
		b.Fatal(err)
	}
	if raw > 0 {
		benchDisk(b, l, raw)
	}
	benchVerify(b, l, n)
	benchProof(b, l, n)
	benchSession(b, l, n)
	benchAppendLarge(b, l, small)
	benchSince(b, l, small)
}

// makeLarge fills a ledger that is not there yet, and returns the bytes of its JSON, or 0 when it was.
func makeLarge(b *testing.B, dir string, n int) (raw uint64) {
	l, err := Open(dir, Options{CheckpointInterval: -1})
	if err != nil {
		b.Fatal(err)
	}
	if size := l.Tree().Size; size == 0 {
		raw = fillReading(b, l, n)
	} else if size < uint64(n) {
		b.Fatalf("%s has %d events, want %d: remove it", dir, size, n)
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	return raw
}

// benchOpen opens the ledger a few times, the first time right after it was filled.
func benchOpen(b *testing.B, dir string, n int) (l *Ledger) {
	var opened, first []time.Duration
	for i := range 5 {
		if i > 0 {
			if err := l.Close(); err != nil {
				b.Fatal(err)
			}
		}
		began := time.Now()
		var err error
		if l, err = Open(dir, Options{CheckpointInterval: -1}); err != nil {
			b.Fatal(err)
		}
		opened = append(opened, time.Since(began))
		began = time.Now()
		if e, err := l.Session(b.Context(), readingSession((2*i+1)*n/10), 1, 1); err != nil || len(e) != 1 {
			b.Fatal(len(e), err)
		}
		first = append(first, time.Since(began))
	}
	b.Cleanup(func() { _ = l.Close() })
	b.ReportMetric(ms(opened[0]), "first-open-ms")
	b.ReportMetric(ms(middle(opened)), "open-ms")
	b.ReportMetric(ms(middle(first)), "first-event-ms")
	return l
}

const readingLength = 500

func readingSession(i int) string { return fmt.Sprintf("session-%06d", i/(8*readingLength)*8+i%8) }

// fillReading records n events of a kilobyte, in eight sessions at a time; it returns the bytes of their JSON.
func fillReading(b *testing.B, l *Ledger, n int) (raw uint64) {
	last := map[string]uint64{}
	answers := make(chan error, n/1024+1)
	sent := 0
	for i := 0; i < n; sent++ {
		var batch []event.Encoded
		for ; i < n && len(batch) < 1024; i++ {
			session := readingSession(i)
			last[session]++
			enc := encode(b, output(session, last[session]))
			batch = append(batch, enc)
			raw += uint64(len(enc.Public) + len(enc.Content))
		}
		l.Submit(batch, func(_ []event.Receipt, err error) { answers <- err })
	}
	for range sent {
		if err := <-answers; err != nil {
			b.Fatal(err)
		}
	}
	return raw
}

func benchDisk(b *testing.B, l *Ledger, raw uint64) {
	if err := l.db.Compact(b.Context(), []byte{0}, []byte{255}, true); err != nil {
		b.Fatal(err)
	}
	st, err := l.Stats(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	tables := l.db.Metrics().Total().TablesSize // without those that wait to be removed
	b.ReportMetric(float64(tables+st.Disk.Log)/float64(raw), "disk:json")
	b.ReportMetric(float64(tables)/float64(raw), "tables:json")
}

// benchVerify needs a ledger that does nothing else.
func benchVerify(b *testing.B, l *Ledger, n int) {
	entry, err := get(l.db, numberKey(prefixEntry, 0))
	if err != nil {
		b.Fatal(err)
	}
	var h, p, v, q []float64
	for range 3 {
		h = append(h, perSecond(n, func() {
			var f frontier
			for range n {
				f.push(leafHash(entry), func(int, uint64, event.Hash) {})
			}
		}))
		p = append(p, perSecond(n, func() {
			for _, prefix := range []byte{prefixEntry, prefixContent} {
				if read := scanAll(b, l.db, []byte{prefix}, []byte{prefix + 1}); read < n {
					b.Fatalf("%d of %d read", read, n)
				}
			}
		}))
		v = append(v, perSecond(n, func() {
			if r, err := l.Verify(b.Context(), VerifyOptions{}); err != nil || !r.OK {
				b.Fatalf("%v %+v", err, r.Findings)
			}
		}))
		q = append(q, perSecond(n, func() {
			if r, err := l.Verify(b.Context(), VerifyOptions{Quick: true}); err != nil || !r.OK {
				b.Fatalf("%v %+v", err, r.Findings)
			}
		}))
	}
	for _, rates := range [][]float64{h, p, v, q} {
		slices.Sort(rates)
	}
	b.ReportMetric(h[1], "H/s")
	b.ReportMetric(p[1], "P/s")
	b.ReportMetric(v[1], "verify/s")
	b.ReportMetric(v[1]/(1/(1/h[1]+1/p[1])), "verify:bound")
	b.ReportMetric(q[1], "quick/s")
	b.ReportMetric(q[1]/(1/(1/h[1]+1/p[1])), "quick:bound")
}

func scanAll(b *testing.B, db *pebble.DB, lower, upper []byte) (n int) {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		b.Fatal(err)
	}
	for it.First(); it.Valid(); it.Next() {
		n += min(len(it.Value()), 1)
	}
	if err := it.Close(); err != nil {
		b.Fatal(err)
	}
	return n
}

func benchProof(b *testing.B, l *Ledger, n int) {
	tree := l.Tree()
	var build, check []time.Duration
	random := rand.New(rand.NewPCG(5, 5))
	for range 5000 {
		at := random.IntN(n)
		raw, err := get(l.db, numberKey(prefixEntry, uint64(at)))
		if err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		proof, err := l.Inclusion(b.Context(), event.Seq(at), tree.Size)
		if err != nil {
			b.Fatal(err)
		}
		build = append(build, time.Since(start))
		start = time.Now()
		if err := tlog.CheckRecord(tlogHashes(proof), int64(tree.Size), tlog.Hash(tree.Root), int64(at), tlog.Hash(leafHash(raw))); err != nil {
			b.Fatal(err)
		}
		check = append(check, time.Since(start))
	}
	b.ReportMetric(micro(middle(build)), "proof-build-p50-us")
	b.ReportMetric(micro(middle(check)), "proof-check-p50-us")
}

// benchSession reads sessions in turns with as many entries and contents that lie together, each from a place where nothing was read before.
func benchSession(b *testing.B, l *Ledger, n int) {
	var session, stored, plain []time.Duration
	whole := n - 8*readingLength // only whole sessions begin below
	for i := range 50 {
		at := i * (whole / 50)
		start := processTime()
		entries, err := l.Session(b.Context(), readingSession(at), 1, readingLength)
		if err != nil || len(entries) != readingLength {
			b.Fatal(len(entries), err)
		}
		session = append(session, processTime()-start)
		at = (at + n/3) % whole
		start = processTime()
		if got := readStored(b, l, readingSession(at)); got != 2*readingLength {
			b.Fatal(got)
		}
		stored = append(stored, processTime()-start)
		at = (at + n/3) % whole
		from, name := uint64(at), readingSession(at)
		start = processTime()
		got := scanAll(b, l.db, numberKey(prefixEntry, from), numberKey(prefixEntry, from+readingLength))
		got += scanAll(b, l.db, sessionKey(prefixContent, name, 0), sessionEnd(prefixContent, name))
		plain = append(plain, processTime()-start)
		if got != 2*readingLength {
			b.Fatal(got)
		}
	}
	b.ReportMetric(micro(middle(session)), "session-p50-us")
	b.ReportMetric(float64(middle(session))/float64(middle(plain)), "session:scan")
	b.ReportMetric(float64(middle(stored))/float64(middle(plain)), "session-stored:scan")
}

// readStored reads what Session reads, and opens nothing.
func readStored(b *testing.B, l *Ledger, session string) (n int) {
	d := l.newDecoder()
	if err := d.readAhead(); err != nil {
		b.Fatal(err)
	}
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: sessionKey(prefixSession, session, 0), UpperBound: sessionEnd(prefixSession, session)})
	if err != nil {
		b.Fatal(err)
	}
	for it.First(); it.Valid(); it.Next() {
		index := binary.BigEndian.Uint64(it.Value())
		entry, err := d.entries.find(numberKey(prefixEntry, index))
		content, err2 := d.contents.find(session, index)
		if err != nil || err2 != nil {
			b.Fatal(err, err2)
		}
		n += min(len(entry), 1) + min(len(content), 1)
	}
	if err := errors.Join(it.Close(), d.close()); err != nil {
		b.Fatal(err)
	}
	return n
}

func benchAppendLarge(b *testing.B, large, small *Ledger) {
	took := map[*Ledger][]time.Duration{}
	for round := range 10 {
		for _, l := range []*Ledger{large, small} {
			session := fmt.Sprintf("later-%d", round)
			for i := range 50 {
				enc := encode(b, output(session, uint64(i+1)))
				start := time.Now()
				if _, err := submit(l, enc); err != nil {
					b.Fatal(err)
				}
				took[l] = append(took[l], time.Since(start))
			}
		}
	}
	b.ReportMetric(float64(middle(took[large]))/float64(middle(took[small])), "append-large:small")
}

// benchSince verifies what came after a checkpoint, the same in both ledgers.
func benchSince(b *testing.B, large, small *Ledger) {
	took := map[*Ledger][]time.Duration{}
	for round := range 5 {
		for _, l := range []*Ledger{large, small} {
			c, err := l.Checkpoint(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			var batch []event.Encoded
			for i := range 1000 {
				batch = append(batch, encode(b, output(fmt.Sprintf("since-%d-%d", round, i%8), uint64(i/8+1))))
			}
			if _, err := submit(l, batch...); err != nil {
				b.Fatal(err)
			}
			start := processTime()
			if r, err := l.Verify(b.Context(), VerifyOptions{Since: c.Note}); err != nil || !r.OK || r.Since != c.Size {
				b.Fatalf("%v %+v", err, r)
			}
			took[l] = append(took[l], processTime()-start)
		}
	}
	b.ReportMetric(ms(middle(took[large])), "since-ms")
	b.ReportMetric(float64(middle(took[large]))/float64(middle(took[small])), "since-large:small")
}

func perSecond(n int, f func()) float64 {
	before := processTime()
	f()
	return float64(n) / (processTime() - before).Seconds()
}

func processTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func middle(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

func ms(d time.Duration) float64    { return d.Seconds() * 1e3 }
func micro(d time.Duration) float64 { return d.Seconds() * 1e6 }
