package otlp

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ReadEnv takes what the environment variables of the OpenTelemetry SDK say and the options leave open. A value that cannot be
// understood counts as unset, as the specification has it; each is described in the result. The sizes of the queues
// (OTEL_BLRP_MAX_QUEUE_SIZE, OTEL_BSP_MAX_QUEUE_SIZE) have no meaning here: there is no queue.
func (o *Options) ReadEnv(lookup func(string) (string, bool)) (ignored []string) {
	r := &envReader{lookup: lookup}
	o.ResourceAttributes = r.attributes("OTEL_RESOURCE_ATTRIBUTES")
	o.Sampler = r.sampler()
	for signal, e := range map[string]*Exporter{"LOGS": &o.Logs, "METRICS": &o.Metrics, "TRACES": &o.Traces} {
		own := "OTEL_EXPORTER_OTLP_" + signal
		e.Timeout = r.millis("OTEL_EXPORTER_OTLP_TIMEOUT", e.Timeout)
		e.Timeout = r.millis(own+"_TIMEOUT", e.Timeout)
		if e.Compression == "" {
			e.Compression = r.word("OTEL_EXPORTER_OTLP_COMPRESSION", "", NoCompression, Gzip)
			e.Compression = r.word(own+"_COMPRESSION", e.Compression, NoCompression, Gzip)
		}
	}
	o.Logs.Interval = r.millis("OTEL_BLRP_SCHEDULE_DELAY", o.Logs.Interval)
	o.Logs.Records = r.count("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", o.Logs.Records)
	o.Traces.Interval = r.millis("OTEL_BSP_SCHEDULE_DELAY", o.Traces.Interval)
	o.Traces.Records = r.count("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", o.Traces.Records)
	o.Metrics.Interval = r.millis("OTEL_METRIC_EXPORT_INTERVAL", o.Metrics.Interval)
	slices.Sort(r.ignored)
	return slices.Compact(r.ignored)
}

type envReader struct {
	lookup  func(string) (string, bool)
	ignored []string
}

func (r *envReader) get(name string) string {
	v, _ := r.lookup(name)
	return strings.TrimSpace(v)
}

func (r *envReader) ignore(name, want string) {
	r.ignored = append(r.ignored, fmt.Sprintf("environment variable %s is ignored: want %s", name, want))
}

func (r *envReader) millis(name string, d time.Duration) time.Duration {
	n := r.count(name, 0)
	if n == 0 {
		return d
	}
	return time.Duration(n) * time.Millisecond
}

// count reads a whole number from 1 to a milliard.
func (r *envReader) count(name string, d int) int {
	v := r.get(name)
	if v == "" {
		return d
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > 1_000_000_000 {
		r.ignore(name, "a whole number from 1 on")
		return d
	}
	return n
}

func (r *envReader) word(name, d string, known ...string) string {
	v := r.get(name)
	if v == "" {
		return d
	}
	if !slices.Contains(known, v) {
		r.ignore(name, "one of "+strings.Join(known, ", "))
		return d
	}
	return v
}

// maxResourceAttributes bounds those of the environment.
const maxResourceAttributes = 64

// attributes reads key=value pairs, percent-encoded, as W3C Baggage writes them without properties.
func (r *envReader) attributes(name string) map[string]string {
	v := r.get(name)
	if v == "" {
		return nil
	}
	out := map[string]string{}
	for pair := range strings.SplitSeq(v, ",") {
		key, value, ok := strings.Cut(pair, "=")
		key = strings.TrimSpace(key)
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !ok || key == "" || err != nil || len(out) == maxResourceAttributes {
			r.ignore(name, fmt.Sprintf("at most %d of KEY=VALUE, with commas between", maxResourceAttributes))
			return nil
		}
		out[key] = strings.ToValidUTF8(clip(value, 1024), "\uFFFD")
	}
	return out
}

// Sampler says which sessions have spans. It looks at the trace id alone, so every process decides alike.
type Sampler struct {
	Root  float64 // share of traces that begin here: 0 none, 1 all
	Child float64 // share of those that a caller began and samples
	Shun  float64 // share of those that a caller began and does not sample
}

// sampleAll is parentbased_always_on, the default of the SDK.
var sampleAll = &Sampler{Root: 1, Child: 1}

func (r *envReader) sampler() *Sampler {
	name := r.word("OTEL_TRACES_SAMPLER", "", "always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio")
	ratio := 1.0
	if v := r.get("OTEL_TRACES_SAMPLER_ARG"); v != "" && strings.HasSuffix(name, "traceidratio") {
		f, err := strconv.ParseFloat(v, 64)
		if err != nil || math.IsNaN(f) || f < 0 || f > 1 {
			r.ignore("OTEL_TRACES_SAMPLER_ARG", "a number from 0 to 1")
		} else {
			ratio = f
		}
	}
	if strings.HasSuffix(name, "always_off") {
		ratio = 0
	}
	switch {
	case name == "":
		return nil
	case strings.HasPrefix(name, "parentbased_"):
		return &Sampler{Root: ratio, Child: 1}
	}
	return &Sampler{Root: ratio, Child: ratio, Shun: ratio}
}

// samples decides about a trace; parent is the W3C traceparent that the session was started with, if any.
func (s *Sampler) samples(trace [16]byte, parent string) bool {
	share := s.Root
	if len(parent) >= 2 {
		share = s.Shun
		if flags, err := strconv.ParseUint(parent[len(parent)-2:], 16, 8); err == nil && flags&1 == 1 {
			share = s.Child
		}
	}
	var low uint64
	for _, b := range trace[8:] {
		low = low<<8 | uint64(b)
	}
	return share >= 1 || share > 0 && float64(low>>1) < share*float64(math.MaxInt64)
}
