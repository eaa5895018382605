package otlp

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"proctor/event"
	"proctor/exporters"
)

const (
	// maxSeries bounds the series of one batch: tool names and stream kinds come from outside.
	maxSeries = 2000
	// maxTag bounds a tag's value in bytes.
	maxTag = 128
	// seriesWeight is a bound for the bytes of one data point, histograms of 35 buckets included.
	seriesWeight = 1024
)

// metricBatches returns the maker of metric batches for one target.
func metricBatches(to target, opts Options, s *sessions) func(exporters.Limits) exporters.Batch {
	window := &window{}
	return func(limits exporters.Limits) exporters.Batch {
		return &metricBatch{to: to, opts: &opts, sessions: s, limits: limits, window: window, series: map[string]*series{}}
	}
}

// window keeps the time ranges of successive batches apart.
type window struct {
	mu  sync.Mutex
	end time.Time // of the newest accepted batch, guarded by mu
}

func (w *window) start(first time.Time) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.end.IsZero() || first.Before(w.end) && w.end.Sub(first) > time.Hour { // the ledger's clock was set back
		return first
	}
	return w.end
}

func (w *window) close(end time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.end = end
}

// series is one data point in the making.
type series struct {
	resource resource
	scope    string
	name     string
	form     form
	tags     []tag
	count    uint64
	sum      int64
	min, max int64
	buckets  []uint64
}

// metricBatch folds entries into delta points. Its bounds are series, not entries: a
// batch may stand for any number of them.
type metricBatch struct {
	to       target
	opts     *Options
	sessions *sessions
	limits   exporters.Limits
	window   *window
	endless  bool // takes every entry

	series      map[string]*series
	first, last time.Time // ledger times of the entries
}

func (b *metricBatch) Records() int { return len(b.series) }

func (b *metricBatch) Add(ctx context.Context, entry event.Entry) (bool, error) {
	full := !b.endless && (len(b.series) >= b.limits.Records || b.to.weigh(len(b.series)*seriesWeight) >= b.limits.Bytes)
	if full && len(b.series) > 0 {
		return false, nil
	}
	if b.first.IsZero() {
		b.first = entry.Received
	}
	b.last = entry.Received
	start := b.sessions.of(ctx, entry.Event)
	for _, o := range observe(entry.Event, start) {
		b.observe(o, start)
	}
	if waited := entry.Received.Sub(entry.Event.Time); !entry.Received.IsZero() {
		b.observe(timed("proctor.ledger.record", max(0, waited.Milliseconds())), start)
	}
	return true, nil
}

func (b *metricBatch) observe(o observation, start *event.ConversationStartsPayload) {
	tags := append(b.opts.commonTags(o.name, start), o.tags...)
	for i := range tags {
		tags[i].value = strings.ToValidUTF8(clip(tags[i].value, maxTag), "\uFFFD")
	}
	slices.SortFunc(tags, func(x, y tag) int { return cmp.Compare(x.key, y.key) })
	if len(b.series) >= maxSeries {
		tags = []tag{{"otel.metric.overflow", "true"}}
	}
	r := b.opts.resource(start)
	r.os, r.osVersion = b.opts.OS, b.opts.OSVersion
	k := key(r, o.name, tags)
	s, ok := b.series[k]
	if !ok {
		s = &series{resource: r, scope: metricScope(o.name), name: o.name, form: o.form, tags: tags, min: o.value, max: o.value}
		if bounds := o.form.bounds(); bounds != nil {
			s.buckets = make([]uint64, len(bounds)+1)
		}
		b.series[k] = s
	}
	s.add(o.value)
}

// commonTags are those that a metric has beside its own: of the session, for most.
func (o *Options) commonTags(metric string, p *event.ConversationStartsPayload) []tag {
	if metric != "codex.process.start" {
		return o.sessionTags(p)
	}
	return []tag{{"originator", orUnknown(p.Originator)}}
}

// sessionTags are on nearly every metric of the CLI; no thread, turn or call id ever is.
func (o *Options) sessionTags(p *event.ConversationStartsPayload) []tag {
	tags := []tag{{"session_source", o.SessionSource}}
	for _, t := range []tag{{"app.version", p.AppVersion}, {"model", p.Model}, {"originator", p.Originator}} {
		if t.value != "" {
			tags = append(tags, t)
		}
	}
	return tags
}

func key(r resource, name string, tags []tag) string {
	var b strings.Builder
	b.WriteString(r.service + "\x00" + r.version + "\x00" + name)
	for _, t := range tags {
		b.WriteString("\x00" + t.key + "\x01" + t.value)
	}
	return b.String()
}

func metricScope(name string) string {
	if strings.HasPrefix(name, "codex.") {
		return scopeMetrics
	}
	return scopeOurs
}

func (f form) bounds() []float64 {
	switch f {
	case duration:
		return durationBounds
	case histogram:
		return countBounds
	case attempts:
		return attemptBounds
	case costs:
		return costBounds
	case requests:
		return requestBounds
	default:
		return nil
	}
}

func (s *series) add(v int64) {
	s.count++
	s.sum += v
	s.min, s.max = min(s.min, v), max(s.max, v)
	if bounds := s.form.bounds(); bounds != nil {
		i, _ := slices.BinarySearch(bounds, float64(v)) // a bound belongs to the bucket it closes
		s.buckets[i]++
	}
}

func (b *metricBatch) Send(ctx context.Context) (exporters.Result, error) {
	res, err := b.to.send(ctx, metricsCall(b.data()))
	if err == nil {
		b.window.close(b.last)
	}
	return res, err
}

// data lays the series out, in an order that does not depend on the map.
func (b *metricBatch) data() pmetric.Metrics {
	start, end := pcommon.NewTimestampFromTime(b.window.start(b.first)), pcommon.NewTimestampFromTime(b.last)
	md := pmetric.NewMetrics()
	scopes := map[logGroup]pmetric.ScopeMetrics{}
	metrics := map[string]pmetric.Metric{}
	for _, k := range slices.Sorted(maps.Keys(b.series)) {
		s := b.series[k]
		g := logGroup{s.resource, s.scope}
		scope, ok := scopes[g]
		if !ok {
			rm := md.ResourceMetrics().AppendEmpty()
			s.resource.put(rm.Resource().Attributes())
			scope = rm.ScopeMetrics().AppendEmpty()
			scope.Scope().SetName(s.scope)
			scopes[g] = scope
		}
		id := key(s.resource, s.name, nil)
		m, ok := metrics[id]
		if !ok {
			m = scope.Metrics().AppendEmpty()
			s.describe(m)
			metrics[id] = m
		}
		s.point(m, start, end)
	}
	b.lags(md)
	return md
}

// lags appends how far behind each destination is, at this moment: the one thing here that no entry says.
func (b *metricBatch) lags(md pmetric.Metrics) {
	if b.opts.Lags == nil {
		return
	}
	lags := b.opts.Lags()
	if len(lags) == 0 {
		return
	}
	rm := md.ResourceMetrics().AppendEmpty()
	r := b.opts.resource(unknown)
	r.os, r.osVersion = b.opts.OS, b.opts.OSVersion
	r.put(rm.Resource().Attributes())
	scope := rm.ScopeMetrics().AppendEmpty()
	scope.Scope().SetName(scopeOurs)
	now := pcommon.NewTimestampFromTime(time.Now())
	for _, g := range []struct {
		name, unit string
		value      func(Lag) int64
	}{{"proctor.export.lag_entries", "", func(l Lag) int64 { return l.Entries }}, {"proctor.export.lag_ms", "ms", func(l Lag) int64 { return l.Millis }}} {
		m := scope.Metrics().AppendEmpty()
		m.SetName(g.name)
		m.SetUnit(g.unit)
		points := m.SetEmptyGauge().DataPoints()
		for _, l := range lags {
			p := points.AppendEmpty()
			p.SetTimestamp(now)
			p.SetIntValue(g.value(l))
			p.Attributes().PutStr("destination", l.Destination)
			p.Attributes().PutStr("signal", l.Signal)
		}
	}
}
