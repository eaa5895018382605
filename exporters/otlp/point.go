package otlp

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// describe sets what all points of a metric share.
func (s *series) describe(m pmetric.Metric) {
	m.SetName(s.name)
	if s.form == counter {
		sum := m.SetEmptySum()
		sum.SetIsMonotonic(true)
		sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		return
	}
	if s.form == duration {
		m.SetUnit("ms")
		m.SetDescription("Duration in milliseconds.")
	}
	m.SetEmptyHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
}

// point appends s to its metric.
func (s *series) point(m pmetric.Metric, start, end pcommon.Timestamp) {
	if s.form == counter {
		p := m.Sum().DataPoints().AppendEmpty()
		p.SetStartTimestamp(start)
		p.SetTimestamp(end)
		p.SetIntValue(s.sum)
		s.put(p.Attributes())
		return
	}
	p := m.Histogram().DataPoints().AppendEmpty()
	p.SetStartTimestamp(start)
	p.SetTimestamp(end)
	p.SetCount(s.count)
	p.SetSum(float64(s.sum))
	p.SetMin(float64(s.min))
	p.SetMax(float64(s.max))
	p.ExplicitBounds().FromRaw(s.form.bounds())
	p.BucketCounts().FromRaw(s.buckets)
	s.put(p.Attributes())
}

func (s *series) put(m pcommon.Map) {
	for _, t := range s.tags {
		m.PutStr(t.key, t.value)
	}
}
