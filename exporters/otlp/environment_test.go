package otlp_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"proctor/exporters/otlp"
	"proctor/internal/otlpsink"
)

func lookup(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
}

func TestVariablesOfTheSDKAreRead(t *testing.T) {
	t.Parallel()
	var o otlp.Options
	o.Metrics.Compression = otlp.NoCompression // [otel] goes first
	ignored := o.ReadEnv(lookup(map[string]string{
		"OTEL_EXPORTER_OTLP_TIMEOUT": "2000", "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT": "500", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
		"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "none",
		"OTEL_RESOURCE_ATTRIBUTES":              "team=sec%20ops, region=eu", "OTEL_BLRP_SCHEDULE_DELAY": "250", "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": "64",
		"OTEL_BSP_SCHEDULE_DELAY": "300", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "32", "OTEL_METRIC_EXPORT_INTERVAL": "1000",
		"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25",
	}))
	want := otlp.Options{
		Logs:               otlp.Exporter{Timeout: 500 * time.Millisecond, Compression: "gzip", Interval: 250 * time.Millisecond, Records: 64},
		Metrics:            otlp.Exporter{Timeout: 2 * time.Second, Compression: "none", Interval: time.Second},
		Traces:             otlp.Exporter{Timeout: 2 * time.Second, Compression: "none", Interval: 300 * time.Millisecond, Records: 32},
		ResourceAttributes: map[string]string{"team": "sec ops", "region": "eu"},
		Sampler:            &otlp.Sampler{Root: 0.25, Child: 0.25, Shun: 0.25},
	}
	if diff := cmp.Diff(want, o); diff != "" || len(ignored) > 0 {
		t.Errorf("ignored %q (-want +got):\n%s", ignored, diff)
	}
}

func TestVariablesThatMakeNoSenseAreNamedAndIgnored(t *testing.T) {
	t.Parallel()
	var o otlp.Options
	ignored := o.ReadEnv(lookup(map[string]string{
		"OTEL_EXPORTER_OTLP_TIMEOUT": "soon", "OTEL_EXPORTER_OTLP_COMPRESSION": "zip", "OTEL_RESOURCE_ATTRIBUTES": "nothing",
		"OTEL_TRACES_SAMPLER": "coin", "OTEL_BLRP_SCHEDULE_DELAY": "-1",
	}))
	if diff := cmp.Diff(otlp.Options{}, o); diff != "" || len(ignored) != 5 {
		t.Errorf("ignored %q (-want +got):\n%s", ignored, diff)
	}
}

// What the environment adds does not replace what the CLI says of itself.
func TestResourceAttributesOfTheEnvironmentAreAdded(t *testing.T) {
	t.Parallel()
	sink := startSink(t, otlpsink.Options{})
	opts := otlp.Options{Logs: transports["grpc"](sink, ""), ResourceAttributes: map[string]string{"team": "sec", "service.name": "mine"}}
	flush(t, exporter(t, newLedger(t, "s", start()), opts, nil))
	if r := sink.Records()[0].Resource; r["team"] != "sec" || r["service.name"] != "codex_exec" {
		t.Errorf("resource %v", r)
	}
}

func TestATimeoutOfTheEnvironmentBoundsAnAttempt(t *testing.T) {
	t.Parallel()
	sink := startSink(t, otlpsink.Options{})
	sink.Set(otlpsink.Fault{Hang: true, Times: 1})
	to := transports["http binary"](sink, "/v1/logs")
	to.Timeout = 50 * time.Millisecond
	if r := flush(t, exporter(t, newLedger(t, "s", start()), otlp.Options{Logs: to}, nil)); r.Left != 0 || r.Failures == 0 {
		t.Errorf("%v", r)
	}
}
