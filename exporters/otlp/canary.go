package otlp

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"proctor/event"
)

// Canary is the name of what [Check] sends: event name of a record, name of a metric and of a span.
const Canary = "proctor.canary"

// Checked is what a collector did with the canary of one signal.
type Checked struct {
	Signal   string        `json:"signal"`
	Name     string        `json:"destination"`
	ID       string        `json:"canary_id"` // attribute proctor.canary_id of what was sent
	Accepted bool          `json:"accepted"`
	Took     time.Duration `json:"took_ns"`
	Problem  string        `json:"problem,omitempty"`
	Next     string        `json:"next,omitempty"` // what to do about it
}

// Check sends one marked item for each signal that is switched on, once, and says what came of it. Nothing else is read or sent.
func Check(ctx context.Context, opts Options) ([]Checked, error) {
	opts.defaults()
	if err := opts.check(); err != nil {
		return nil, err
	}
	var out []Checked
	for _, s := range []struct {
		signal string
		to     Exporter
		make   func(resource, string) call
	}{{"logs", opts.Logs, canaryLog}, {"metrics", opts.Metrics, canaryMetric}, {"traces", opts.Traces, canarySpan}} {
		if s.to.Enabled() {
			out = append(out, opts.checkOne(ctx, s.signal, s.to, s.make))
		}
	}
	return out, nil
}

func (o *Options) checkOne(ctx context.Context, signal string, to Exporter, canary func(resource, string) call) Checked {
	random := make([]byte, 8)
	_, _ = rand.Read(random) // never fails since Go 1.24
	c := Checked{Signal: signal, Name: destinationName(signal, to), ID: hex.EncodeToString(random)}
	s, err := newSender(to, o.Version)
	if err != nil {
		c.Problem, c.Next = err.Error(), "correct the file names in [otel]"
		return c
	}
	defer func() { _ = s.close() }()
	timeout := to.Timeout
	if timeout == 0 {
		timeout = 10 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	start := &event.ConversationStartsPayload{Originator: "codex_exec", AppVersion: o.Version}
	began := time.Now()
	res, err := s.send(ctx, canary(o.resource(start).withHost(start, o), c.ID))
	c.Took = time.Since(began)
	switch {
	case err != nil:
		c.Problem, c.Next = err.Error(), advice(err, signal, to)
	case res.Rejected > 0:
		c.Problem, c.Next = fmt.Sprintf("taken, then refused: %q", bounded(res.Message)), "the collector's own message says why; its log may say more"
	default:
		c.Accepted = true
	}
	return c
}

func bounded(s string) string { return strings.ToValidUTF8(clip(s, 300), "\uFFFD") }

func canaryAttributes(m pcommon.Map, id string) {
	m.PutBool(Canary, true)
	m.PutStr(Canary+"_id", id)
}

func canaryLog(r resource, id string) call {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	r.put(rl.Resource().Attributes())
	sl := rl.ScopeLogs().AppendEmpty()
	sl.Scope().SetName(scopeOurs)
	rec := sl.LogRecords().AppendEmpty()
	now := pcommon.NewTimestampFromTime(time.Now())
	rec.SetTimestamp(now)
	rec.SetObservedTimestamp(now)
	rec.SetEventName(Canary)
	rec.SetSeverityNumber(plog.SeverityNumberInfo)
	rec.SetSeverityText("INFO")
	rec.Attributes().PutStr("event.name", Canary)
	canaryAttributes(rec.Attributes(), id)
	return logsCall(plogotlp.NewExportRequestFromLogs(ld))
}

func canaryMetric(r resource, id string) call {
	r.host = ""
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	r.put(rm.Resource().Attributes())
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName(scopeOurs)
	m := sm.Metrics().AppendEmpty()
	m.SetName(Canary)
	sum := m.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	p := sum.DataPoints().AppendEmpty()
	now := time.Now()
	p.SetStartTimestamp(pcommon.NewTimestampFromTime(now.Add(-time.Millisecond)))
	p.SetTimestamp(pcommon.NewTimestampFromTime(now))
	p.SetIntValue(1)
	canaryAttributes(p.Attributes(), id)
	return metricsCall(md)
}

func canarySpan(r resource, id string) call {
	r.host = ""
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	r.put(rs.Resource().Attributes())
	ss := rs.ScopeSpans().AppendEmpty()
	ss.Scope().SetName(scopeOurs)
	span := ss.Spans().AppendEmpty()
	sum := sha256.Sum256([]byte(id))
	span.SetTraceID(pcommon.TraceID(sum[:16]))
	span.SetSpanID(pcommon.SpanID(sum[16:24]))
	span.SetName(Canary)
	span.SetKind(ptrace.SpanKindInternal)
	now := time.Now()
	span.SetStartTimestamp(pcommon.NewTimestampFromTime(now.Add(-time.Millisecond)))
	span.SetEndTimestamp(pcommon.NewTimestampFromTime(now))
	canaryAttributes(span.Attributes(), id)
	return tracesCall(td)
}

// advice is the next step after a failure.
func advice(err error, signal string, to Exporter) string {
	text := err.Error()
	says := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(text, w) {
				return true
			}
		}
		return false
	}
	_, dns := errors.AsType[*net.DNSError](err)
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	_, name := errors.AsType[x509.HostnameError](err)
	switch {
	case dns || says("no such host", "produced zero addresses"):
		return "the host name does not resolve here: correct the endpoint, or the name service"
	case errors.Is(err, syscall.ECONNREFUSED) || says("connection refused"):
		return "nothing listens there: start the collector, or correct host and port (4317 is usual for gRPC, 4318 for HTTP)"
	case authority || says("unknown authority"):
		return "name the authority that signed the collector's certificate: tls = { ca-certificate = \"/path/ca.pem\" }"
	case name || says("certificate is valid for"):
		return "the certificate is for another name: use that name in the endpoint"
	case says("certificate required", "bad certificate"):
		return "the collector wants a client certificate: tls = { client-certificate = ..., client-private-key = ... }"
	case says("first record does not look like a TLS handshake", "server gave HTTP response to HTTPS client"):
		return "the collector speaks without TLS there: write http:// in the endpoint"
	case says("Unauthenticated", "PermissionDenied", "401 ", "403 "):
		return "the collector refuses the credentials: see headers in [otel]; ${NAME} is replaced from the environment"
	case says("answered 404", "answered 405") && to.Kind == HTTP:
		return fmt.Sprintf("the endpoint is used as written: it probably lacks the path /v1/%s", signal)
	case says("Unimplemented"):
		return "the server has no receiver for " + signal + " over gRPC: switch it on in its pipelines, or use another endpoint"
	case says("answered 415"):
		return `the collector does not take this encoding: try protocol = "binary" or "json"`
	case says("malformed HTTP", "unexpected HTTP", "frame too large", "EOF", "no answer of a collector", "http2:"):
		return "something else than OTLP over " + map[Kind]string{HTTP: "HTTP", GRPC: "gRPC"}[to.Kind] + " answers there: check port and path, and proxies on the way"
	case errors.Is(err, context.DeadlineExceeded) || says("DeadlineExceeded", "deadline exceeded"):
		return "no answer in time: look for a firewall on the way, or an overloaded collector; OTEL_EXPORTER_OTLP_TIMEOUT sets the time"
	case says("answered 429", "answered 503", "ResourceExhausted", "Unavailable", http.StatusText(http.StatusBadGateway)):
		return "the collector is there and overloaded or starting: try again; what is recorded meanwhile waits in the ledger"
	case says("answered 413", "larger than max"):
		return "raise the collector's limit for requests, 1 MiB is what proctor sends at most"
	}
	return "the collector's log may say more"
}
