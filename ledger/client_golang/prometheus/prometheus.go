// Package prometheus stands in for the metrics library of that name, of which the store of the ledger uses histograms
// that nobody here reads. The library and what it brings along (protocol buffers with reflection, a reader of /proc) took part of
// every start of the binary, also of one that opens no ledger.
//
// It has what pebble calls and nothing else, so a version of pebble that calls more does not build; the go.mod of
// proctor replaces the library by it.
package prometheus

// Histogram takes observations and forgets them.
type Histogram interface{ Observe(float64) }

// HistogramOpts has the one option that is set.
type HistogramOpts struct{ Buckets []float64 }

type forgetful struct{}

func (forgetful) Observe(float64) {}

// NewHistogram returns one that keeps nothing.
func NewHistogram(HistogramOpts) Histogram { return forgetful{} }

// LinearBuckets are none.
func LinearBuckets(_, _ float64, _ int) []float64 { return nil }

// ExponentialBucketsRange are none.
func ExponentialBucketsRange(_, _ float64, _ int) []float64 { return nil }
