package otlpsink

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Record is one log record. Attribute values are string, int64, bool, float64, []any or map[string]any.
type Record struct {
	Resource     map[string]any
	Scope        string
	EventName    string
	Severity     int
	SeverityText string
	Time         time.Time // zero when not set
	Observed     time.Time
	TraceID      string
	SpanID       string
	Body         any
	Attributes   map[string]any
}

// Point is one data point of a metric.
type Point struct {
	Resource    map[string]any
	Scope       string
	Name        string
	Unit        string
	Description string
	Kind        string // sum, gauge, histogram
	Temporality string // Delta, Cumulative
	Monotonic   bool
	Start, Time time.Time
	Attributes  map[string]any
	Int         int64 // sum and gauge
	Count       uint64
	Sum         float64
	Min, Max    float64
	Bounds      []float64
	Buckets     []uint64
}

// Span is one span.
type Span struct {
	Resource   map[string]any
	Scope      string
	Name       string
	TraceID    string
	SpanID     string
	ParentID   string
	Start, End time.Time
	Attributes map[string]any
	Failed     bool
}

func moment(t pcommon.Timestamp) time.Time {
	if t == 0 {
		return time.Time{}
	}
	return t.AsTime()
}

func recordsOf(ld plog.Logs) []Record {
	var out []Record
	for _, rl := range ld.ResourceLogs().All() {
		resource := rl.Resource().Attributes().AsRaw()
		for _, sl := range rl.ScopeLogs().All() {
			for _, r := range sl.LogRecords().All() {
				out = append(out, Record{
					Resource: resource, Scope: sl.Scope().Name(), EventName: r.EventName(), Severity: int(r.SeverityNumber()),
					SeverityText: r.SeverityText(), Time: moment(r.Timestamp()), Observed: moment(r.ObservedTimestamp()),
					TraceID: r.TraceID().String(), SpanID: r.SpanID().String(), Body: r.Body().AsRaw(), Attributes: r.Attributes().AsRaw(),
				})
			}
		}
	}
	return out
}

func pointsOf(md pmetric.Metrics) []Point {
	var out []Point
	for _, rm := range md.ResourceMetrics().All() {
		resource := rm.Resource().Attributes().AsRaw()
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				p := Point{Resource: resource, Scope: sm.Scope().Name(), Name: m.Name(), Unit: m.Unit(), Description: m.Description()}
				out = append(out, p.of(m)...)
			}
		}
	}
	return out
}

// of returns the points of m, each a copy of p with its own values. Summaries and exponential histograms are passed over.
func (p Point) of(m pmetric.Metric) []Point {
	switch m.Type() {
	case pmetric.MetricTypeSum:
		p.Kind, p.Temporality, p.Monotonic = "sum", m.Sum().AggregationTemporality().String(), m.Sum().IsMonotonic()
		return p.numbers(m.Sum().DataPoints())
	case pmetric.MetricTypeGauge:
		p.Kind = "gauge"
		return p.numbers(m.Gauge().DataPoints())
	case pmetric.MetricTypeHistogram:
		p.Kind, p.Temporality = "histogram", m.Histogram().AggregationTemporality().String()
		return p.histograms(m.Histogram().DataPoints())
	}
	return nil
}

func (p Point) numbers(points pmetric.NumberDataPointSlice) []Point {
	var out []Point
	for _, d := range points.All() {
		p.Start, p.Time, p.Attributes, p.Int = moment(d.StartTimestamp()), moment(d.Timestamp()), d.Attributes().AsRaw(), d.IntValue()
		out = append(out, p)
	}
	return out
}

func (p Point) histograms(points pmetric.HistogramDataPointSlice) []Point {
	var out []Point
	for _, d := range points.All() {
		p.Start, p.Time, p.Attributes = moment(d.StartTimestamp()), moment(d.Timestamp()), d.Attributes().AsRaw()
		p.Count, p.Sum, p.Min, p.Max = d.Count(), d.Sum(), d.Min(), d.Max()
		p.Bounds, p.Buckets = d.ExplicitBounds().AsRaw(), d.BucketCounts().AsRaw()
		out = append(out, p)
	}
	return out
}

func spansOf(td ptrace.Traces) []Span {
	var out []Span
	for _, rs := range td.ResourceSpans().All() {
		resource := rs.Resource().Attributes().AsRaw()
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				out = append(out, Span{
					Resource: resource, Scope: ss.Scope().Name(), Name: s.Name(), TraceID: s.TraceID().String(), SpanID: s.SpanID().String(),
					ParentID: s.ParentSpanID().String(), Start: moment(s.StartTimestamp()), End: moment(s.EndTimestamp()),
					Attributes: s.Attributes().AsRaw(), Failed: s.Status().Code() == ptrace.StatusCodeError,
				})
			}
		}
	}
	return out
}
