package otlp

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"proctor/event"
)

// Lag is how far behind the ledger a destination is, and what it came to.
type Lag struct {
	Destination, Signal          string
	Entries, Millis              int64
	Accepted, Rejected, Failures int64 // since it first ran
	Failing                      bool
}

// Totals are the metrics of the entries added so far, for a scraper: the same names, tags and buckets as those that are sent,
// but cumulative. It may be used from several goroutines.
type Totals struct {
	mu    sync.Mutex
	batch *metricBatch // guarded by mu
}

// NewTotals starts at zero; reader serves look-ups of a session's first events.
func NewTotals(opts Options, reader event.Reader) *Totals {
	opts.defaults()
	return &Totals{batch: &metricBatch{opts: &opts, sessions: newSessions(reader), series: map[string]*series{}, endless: true}}
}

// Add counts an entry.
func (t *Totals) Add(ctx context.Context, entry event.Entry) {
	if entry.Event == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = t.batch.Add(ctx, entry) // an endless batch takes everything
}

// Write writes the totals in the text format of Prometheus, version 0.0.4, and after them head, the number of entries, and the lags.
func (t *Totals) Write(w io.Writer, head uint64, lags []Lag) error {
	out := &expositor{w: bufio.NewWriter(w), described: map[string]bool{}}
	t.mu.Lock()
	for _, k := range slices.SortedFunc(maps.Keys(t.batch.series), func(a, b string) int {
		x, y := t.batch.series[a], t.batch.series[b]
		if x.name != y.name {
			return strings.Compare(x.name, y.name)
		}
		return strings.Compare(a, b)
	}) {
		out.series(t.batch.series[k])
	}
	t.mu.Unlock()
	out.describe("proctor_ledger_entries", "gauge", "entries in the ledger")
	out.line("proctor_ledger_entries", nil, strconv.FormatUint(head, 10))
	for _, g := range []struct {
		name, kind, help string
		value            func(Lag) int64
	}{
		{"proctor_export_lag_entries", "gauge", "entries that a destination has not got yet", func(l Lag) int64 { return l.Entries }},
		{"proctor_export_lag_ms", "gauge", "how long the oldest of them waits", func(l Lag) int64 { return l.Millis }},
		{"proctor_export_failing", "gauge", "1 when the newest attempt failed", func(l Lag) int64 { return map[bool]int64{true: 1}[l.Failing] }},
		{"proctor_export_accepted_total", "counter", "records that a destination acknowledged", func(l Lag) int64 { return l.Accepted }},
		{"proctor_export_rejected_total", "counter", "records that a destination refused for good", func(l Lag) int64 { return l.Rejected }},
		{"proctor_export_failures_total", "counter", "attempts that failed", func(l Lag) int64 { return l.Failures }},
	} {
		for _, l := range lags {
			out.describe(g.name, g.kind, g.help)
			out.line(g.name, []tag{{"destination", l.Destination}, {"signal", l.Signal}}, strconv.FormatInt(g.value(l), 10))
		}
	}
	return out.w.Flush()
}

// expositor writes lines; errors show when it is flushed.
type expositor struct {
	w         *bufio.Writer
	described map[string]bool
}

func (x *expositor) describe(name, kind, help string) {
	if x.described[name] {
		return
	}
	x.described[name] = true
	if help != "" {
		_, _ = fmt.Fprintf(x.w, "# HELP %s %s\n", name, help)
	}
	_, _ = fmt.Fprintf(x.w, "# TYPE %s %s\n", name, kind)
}

func (x *expositor) line(name string, tags []tag, value string) {
	_, _ = x.w.WriteString(name)
	for i, t := range tags {
		_, _ = x.w.WriteString([2]string{",", "{"}[btoi(i == 0)] + identifier(t.key) + `="` + labelEscape.Replace(t.value) + `"`)
	}
	if len(tags) > 0 {
		_, _ = x.w.WriteString("}")
	}
	_, _ = x.w.WriteString(" " + value + "\n")
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (x *expositor) series(s *series) {
	name := identifier(s.name)
	bounds := s.form.bounds()
	if bounds == nil {
		x.describe(name+"_total", "counter", "")
		x.line(name+"_total", s.tags, strconv.FormatInt(s.sum, 10))
		return
	}
	x.describe(name, "histogram", "")
	var below uint64
	for i, n := range s.buckets {
		below += n
		le := "+Inf"
		if i < len(bounds) {
			le = strconv.FormatFloat(bounds[i], 'g', -1, 64)
		}
		x.line(name+"_bucket", append(slices.Clone(s.tags), tag{"le", le}), strconv.FormatUint(below, 10))
	}
	x.line(name+"_sum", s.tags, strconv.FormatInt(s.sum, 10))
	x.line(name+"_count", s.tags, strconv.FormatUint(s.count, 10))
}

var labelEscape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// identifier is a name with what Prometheus does not allow in one replaced; dots are.
func identifier(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, s)
}
