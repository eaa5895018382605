package otlp_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"proctor/event"
	"proctor/exporters"
	"proctor/exporters/exportertest"
	"proctor/exporters/otlp"
	"proctor/internal/otlpsink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	trace = "0123456789abcdef0123456789abcdef"
	span  = "0123456789abcdef"
)

// origin is the time of every event.
var origin = time.Date(2026, 11, 23, 9, 10, 17, 724_000_000, time.UTC)

func startSink(t *testing.T, o otlpsink.Options) *otlpsink.Sink {
	t.Helper()
	s, err := otlpsink.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// transports are the ways to a sink.
var transports = map[string]func(*otlpsink.Sink, string) otlp.Exporter{
	"grpc": func(s *otlpsink.Sink, _ string) otlp.Exporter {
		return otlp.Exporter{Kind: otlp.GRPC, Endpoint: s.GRPCURL()}
	},
	"grpc gzip": func(s *otlpsink.Sink, _ string) otlp.Exporter {
		return otlp.Exporter{Kind: otlp.GRPC, Endpoint: s.GRPCURL(), Compression: otlp.Gzip}
	},
	"http binary": func(s *otlpsink.Sink, path string) otlp.Exporter {
		return otlp.Exporter{Kind: otlp.HTTP, Endpoint: s.HTTPURL(path)}
	},
	"http json": func(s *otlpsink.Sink, path string) otlp.Exporter {
		return otlp.Exporter{Kind: otlp.HTTP, Endpoint: s.HTTPURL(path), Protocol: otlp.JSON}
	},
	"http binary gzip": func(s *otlpsink.Sink, path string) otlp.Exporter {
		return otlp.Exporter{Kind: otlp.HTTP, Endpoint: s.HTTPURL(path), Compression: otlp.Gzip}
	},
}

// newLedger holds the drafts as one session.
func newLedger(t *testing.T, session string, drafts ...event.Draft) *exportertest.Ledger {
	t.Helper()
	l := &exportertest.Ledger{Received: origin.Add(time.Second)}
	add(t, l, session, drafts...)
	return l
}

func add(t *testing.T, l *exportertest.Ledger, session string, drafts ...event.Draft) {
	t.Helper()
	s, err := event.NewStream(session, 0, trace, span, l, func() time.Time { return origin })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Record(t.Context(), drafts...); err != nil {
		t.Fatal(err)
	}
}

// deltas are n stream events.
func deltas(n int) []event.Draft {
	out := make([]event.Draft, n)
	for i := range out {
		ms := int64(i % 50)
		out[i] = event.Draft{Payload: &event.SSEEventPayload{EventKind: "response.output_text.delta", Duration: &ms}}
	}
	return out
}

func start() event.Draft {
	return event.Draft{Payload: &event.ConversationStartsPayload{
		AppVersion: "1.2.3", Originator: "codex_exec", TerminalType: "xterm", Model: "gpt-5.5", Host: "ci-host", SandboxPolicy: "workspace-write",
	}}
}

// exporter makes the one exporter that opts switch on.
func exporter(t *testing.T, l *exportertest.Ledger, opts otlp.Options, change func(*exporters.Options)) *exporters.Exporter {
	t.Helper()
	dests, err := otlp.New(opts, l)
	if err != nil {
		t.Fatal(err)
	}
	if len(dests) != 1 {
		t.Fatalf("%d destinations, want 1", len(dests))
	}
	eo := exporters.Options{Head: l.Head, FromBeginning: true, FlushWithin: 20 * time.Second}
	if change != nil {
		change(&eo)
	}
	e, err := exporters.New(dests[0], l, l, eo)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func flush(t *testing.T, e *exporters.Exporter) exporters.Report {
	t.Helper()
	return e.Flush(context.WithoutCancel(t.Context()))
}
