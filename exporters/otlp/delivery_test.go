package otlp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	"google.golang.org/protobuf/proto"

	"proctor/event"
	"proctor/exporters"
	"proctor/exporters/exportertest"
	"proctor/exporters/otlp"
	"proctor/internal/otlpsink"
)

// seqs are the ledger positions of records in order of arrival.
func seqs(records []otlpsink.Record) []int64 {
	out := make([]int64, len(records))
	for i, r := range records {
		out[i], _ = r.Attributes["proctor.seq"].(int64)
	}
	return out
}

func upTo(n int) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = int64(i)
	}
	return out
}

func TestTwentyThousandDeltasAllArrive(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"grpc", "http binary", "http json"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := startSink(t, otlpsink.Options{})
			l := newLedger(t, "s", append([]event.Draft{start()}, deltas(20_000)...)...)
			r := flush(t, exporter(t, l, otlp.Options{Logs: transports[name](sink, "/v1/logs")}, nil))
			if r.Sent != 20_001 || r.Left != 0 {
				t.Errorf("report %v", r)
			}
			if diff := cmp.Diff(upTo(20_001), seqs(sink.Records())); diff != "" {
				t.Errorf("positions (-want +got):\n%s", diff[:min(len(diff), 500)])
			}
			for _, q := range sink.Requests() {
				if q.Bytes > 1<<20 {
					t.Errorf("a request has %d bytes", q.Bytes)
				}
			}
		})
	}
}

func TestCollectorAwayAndBackCountsMatch(t *testing.T) {
	t.Parallel()
	for name, to := range transports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := startSink(t, otlpsink.Options{})
			l := newLedger(t, "s", append([]event.Draft{start()}, deltas(99)...)...)
			opts := otlp.Options{Logs: to(sink, "/v1/logs")}
			flush(t, exporter(t, l, opts, nil))
			sink.Down()
			add(t, l, "s2", deltas(1000)...)
			began := time.Now()
			r := flush(t, exporter(t, l, opts, func(o *exporters.Options) { o.FlushWithin = 3 * time.Second }))
			if r.Left != 1000 || r.Err == nil || time.Since(began) > 30*time.Second {
				t.Errorf("away: %v after %v", r, time.Since(began))
			}
			if !strings.Contains(r.String(), "1000 events stay in the ledger for the next run") {
				t.Errorf("report reads %q", r)
			}
			if err := sink.Up(); err != nil {
				t.Fatal(err)
			}
			if r := flush(t, exporter(t, l, opts, nil)); r.Left != 0 {
				t.Errorf("back: %v", r)
			}
			if diff := cmp.Diff(upTo(1100), seqs(sink.Records())); diff != "" {
				t.Errorf("positions (-want +got):\n%s", diff[:min(len(diff), 500)])
			}
		})
	}
}

// One exporter lives through the absence: no restart, no lost connection state.
func TestExporterSurvivesAnAbsence(t *testing.T) {
	t.Parallel()
	sink := startSink(t, otlpsink.Options{})
	l := newLedger(t, "s", deltas(10)...)
	e := exporter(t, l, otlp.Options{Logs: transports["grpc"](sink, "")}, nil)
	flush(t, e)
	sink.Down()
	add(t, l, "s2", deltas(10)...)
	if r := flush(t, e); r.Left != 10 {
		t.Errorf("away: %v", r)
	}
	if err := sink.Up(); err != nil {
		t.Fatal(err)
	}
	if r := flush(t, e); r.Left != 0 {
		t.Errorf("back: %v", r)
	}
	if got := len(sink.Records()); got != 20 {
		t.Errorf("%d records", got)
	}
}

func TestPartialSuccessOverEveryTransport(t *testing.T) {
	t.Parallel()
	for name, to := range transports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := startSink(t, otlpsink.Options{})
			sink.Set(otlpsink.Fault{Reject: 4, Message: "attribute too long", Times: 1})
			l := newLedger(t, "s", deltas(10)...)
			var gaps []*event.ExportGapPayload
			e := exporter(t, l, otlp.Options{Logs: to(sink, "/v1/logs")}, gapsInto(&gaps))
			if r := flush(t, e); r.Sent != 6 || r.Rejected != 4 || r.Left != 0 {
				t.Errorf("report %v", r)
			}
			flush(t, e)
			if got := len(sink.Records()); got != 6 {
				t.Errorf("%d records, refused ones must not be sent again", got)
			}
			if len(gaps) != 1 || gaps[0].Rejected != 4 || gaps[0].Message != "attribute too long" || gaps[0].To != 9 {
				t.Errorf("gaps %+v", gaps)
			}
		})
	}
}

func TestRetryAfterIsObeyedThenAllArrives(t *testing.T) {
	t.Parallel()
	for _, status := range []int{503, 429} {
		for _, name := range []string{"grpc", "http binary"} {
			sink := startSink(t, otlpsink.Options{})
			sink.Set(otlpsink.Fault{Status: status, RetryAfter: time.Second, Times: 1})
			l := newLedger(t, "s", deltas(10)...)
			began := time.Now()
			r := flush(t, exporter(t, l, otlp.Options{Logs: transports[name](sink, "/v1/logs")}, nil))
			if d := time.Since(began); d < time.Second {
				t.Errorf("%s %d: second attempt after %v", name, status, d)
			}
			if r.Left != 0 || len(sink.Records()) != 10 || len(sink.Requests()) != 2 {
				t.Errorf("%s %d: %v, %d requests", name, status, r, len(sink.Requests()))
			}
		}
	}
}

func TestRetryAfterBeyondTheDeadlineLeavesTheRest(t *testing.T) {
	t.Parallel()
	sink := startSink(t, otlpsink.Options{})
	sink.Set(otlpsink.Fault{Status: 503, RetryAfter: time.Minute})
	began := time.Now()
	r := flush(t, exporter(t, newLedger(t, "s", deltas(5)...), otlp.Options{Logs: transports["http json"](sink, "/v1/logs")}, nil))
	if r.Left != 5 || time.Since(began) > 30*time.Second || len(sink.Requests()) != 1 {
		t.Errorf("%v after %v and %d requests", r, time.Since(began), len(sink.Requests()))
	}
}

func TestHangingCollectorDoesNotDelayExit(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"grpc", "http binary"} {
		sink := startSink(t, otlpsink.Options{})
		sink.Set(otlpsink.Fault{Hang: true})
		e := exporter(t, newLedger(t, "s", deltas(5)...), otlp.Options{Logs: transports[name](sink, "/v1/logs")},
			func(o *exporters.Options) { o.FlushWithin = 500 * time.Millisecond })
		began := time.Now()
		if r := flush(t, e); r.Left != 5 || r.Err == nil {
			t.Errorf("%s: %v", name, r)
		}
		if d := time.Since(began); d > 20*time.Second {
			t.Errorf("%s: flush took %v", name, d)
		}
	}
}

func TestAnswersThatMustNotCostData(t *testing.T) {
	t.Parallel()
	for _, status := range []int{401, 403, 404, 500, 302} {
		for _, name := range []string{"grpc", "http binary"} {
			sink := startSink(t, otlpsink.Options{})
			sink.Set(otlpsink.Fault{Status: status})
			r := flush(t, exporter(t, newLedger(t, "s", deltas(5)...), otlp.Options{Logs: transports[name](sink, "/v1/logs")}, nil))
			if r.Left != 5 || r.Rejected != 0 || len(sink.Requests()) != 1 {
				t.Errorf("%s %d: %v after %d requests", name, status, r, len(sink.Requests()))
			}
		}
	}
}

func TestBadDataIsAGapAndTooMuchIsSplit(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"grpc", "http binary"} {
		sink := startSink(t, otlpsink.Options{})
		sink.Set(otlpsink.Fault{Status: 400, Times: 1})
		var gaps []*event.ExportGapPayload
		opts := otlp.Options{Logs: transports[name](sink, "/v1/logs")}
		l := newLedger(t, "s", deltas(5)...)
		if r := flush(t, exporter(t, l, opts, gapsInto(&gaps))); r.Rejected != 5 || r.Left != 0 || len(gaps) != 1 {
			t.Errorf("%s: %v, gaps %+v", name, r, gaps)
		}
		sink.Set(otlpsink.Fault{MaxRequest: 20_000})
		add(t, l, "s2", deltas(300)...)
		if r := flush(t, exporter(t, l, opts, nil)); r.Sent != 300 || r.Left != 0 {
			t.Errorf("%s: %v", name, r)
		}
	}
}

func TestRequestsStayBelowAMegabyte(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"grpc", "http json"} {
		sink := startSink(t, otlpsink.Options{})
		var drafts []event.Draft
		for range 60 {
			drafts = append(drafts, event.Draft{Payload: &event.ToolResultPayload{Arguments: event.Secret(strings.Repeat("line \n", 10_000))}})
		}
		r := flush(t, exporter(t, newLedger(t, "s", drafts...), otlp.Options{Logs: transports[name](sink, "/v1/logs")}, nil))
		if r.Sent != 60 || len(sink.Requests()) < 3 {
			t.Errorf("%s: %v in %d requests", name, r, len(sink.Requests()))
		}
		for _, q := range sink.Requests() {
			if q.Bytes > 1<<20 {
				t.Errorf("%s: a request has %d bytes", name, q.Bytes)
			}
		}
	}
}

func gapsInto(to *[]*event.ExportGapPayload) func(*exporters.Options) {
	return func(o *exporters.Options) {
		o.Gap = func(_ context.Context, p *event.ExportGapPayload) error {
			*to = append(*to, p)
			return nil
		}
	}
}

// The bytes on the wire, read by code that shares nothing with the encoder.
func TestProtobufBodyReadByAnIndependentDecoder(t *testing.T) {
	t.Parallel()
	sink := startSink(t, otlpsink.Options{})
	opts := everyKind()
	opts.Logs = transports["http binary"](sink, "/v1/logs")
	flush(t, exporter(t, newLedger(t, "s", exportertest.Every()...), opts, nil))
	requests := sink.Requests()
	var req collector.ExportLogsServiceRequest
	if err := proto.Unmarshal(requests[len(requests)-1].Body, &req); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, rl := range req.ResourceLogs {
		for _, sl := range rl.ScopeLogs {
			for _, r := range sl.LogRecords {
				got[r.EventName] = true
				if len(r.TraceId) != 16 || len(r.SpanId) != 8 || r.TimeUnixNano != uint64(origin.UnixNano()) || len(r.ProtoReflect().GetUnknown()) > 0 {
					t.Errorf("%s: trace %x, span %x, time %d", r.EventName, r.TraceId, r.SpanId, r.TimeUnixNano)
				}
			}
		}
	}
	if len(got) != len(event.Catalog())-2 {
		t.Errorf("%d kinds", len(got))
	}
}

func TestJSONBodyHasTheFormOfTheSpecification(t *testing.T) {
	t.Parallel()
	sink := startSink(t, otlpsink.Options{})
	flush(t, exporter(t, newLedger(t, "s", start()), otlp.Options{Logs: transports["http json"](sink, "/v1/logs")}, nil))
	var body struct {
		ResourceLogs []struct {
			ScopeLogs []struct {
				LogRecords []map[string]any
			}
		}
	}
	d := json.NewDecoder(bytes.NewReader(sink.Requests()[0].Body))
	if err := d.Decode(&body); err != nil {
		t.Fatal(err)
	}
	r := body.ResourceLogs[0].ScopeLogs[0].LogRecords[0]
	for k, want := range map[string]any{"traceId": trace, "spanId": span, "eventName": "codex.conversation_starts", "timeUnixNano": "1795425017724000000", "severityNumber": 9.0} {
		if r[k] != want {
			t.Errorf("%s is %v, want %v", k, r[k], want)
		}
	}
}

func TestHeadersAndAgent(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"grpc", "http binary"} {
		sink := startSink(t, otlpsink.Options{})
		to := transports[name](sink, "/v1/logs")
		to.Headers = otlp.Headers{"X-Otlp-Api-Key": "abc123"}
		flush(t, exporter(t, newLedger(t, "s", start()), otlp.Options{Logs: to, Version: "9.9"}, nil))
		headers := map[string]string{}
		for k, v := range sink.Requests()[0].Headers {
			headers[strings.ToLower(k)] = strings.Join(v, ",")
		}
		if headers["x-otlp-api-key"] != "abc123" || !strings.HasPrefix(headers["user-agent"], "proctor/9.9") {
			t.Errorf("%s: headers %v", name, headers)
		}
	}
}
