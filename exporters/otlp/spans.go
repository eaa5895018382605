package otlp

import (
	"context"
	"crypto/sha256"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"proctor/event"
	"proctor/exporters"
)

// spanBatches returns the maker of span batches for one target.
func spanBatches(to target, opts Options, s *sessions) func(exporters.Limits) exporters.Batch {
	return func(limits exporters.Limits) exporters.Batch {
		return &spanBatch{to: to, opts: &opts, sessions: s, limits: limits, traces: ptrace.NewTraces(), scopes: map[resource]ptrace.SpanSlice{}}
	}
}

type spanBatch struct {
	to       target
	opts     *Options
	sessions *sessions
	limits   exporters.Limits

	traces ptrace.Traces
	scopes map[resource]ptrace.SpanSlice
	spans  int
	bytes  int
}

// spanShape is a span before it has ids.
type spanShape struct {
	name     string
	id       pcommon.SpanID
	parent   pcommon.SpanID
	duration time.Duration
	failed   bool
	texts    []tag
}

// shape derives the span that an event closes. Texts that may be sensitive are not among its attributes.
func shape(e *event.Event, start *event.ConversationStartsPayload) (spanShape, bool) {
	root, turn := spanID(e.Span), turnSpan(e)
	switch p := e.Payload.(type) {
	case *event.ToolResultPayload:
		return spanShape{
			clip(toolName(p), maxTag), callSpan(e, p.CallID), turn, ms(p.Duration), !p.Success,
			[]tag{{"call_id", p.CallID}, {"tool_name", p.ToolName}},
		}, true
	case *event.APIRequestPayload:
		return spanShape{
			"model_client.stream_responses_api", requestSpan(e), turn, ms(p.Duration), p.Error != "",
			[]tag{{"api.path", p.Endpoint}, {"http.method", "POST"}, {"wire_api", "responses"}, {"model", p.Model}},
		}, true
	case *event.ApprovalDecidedPayload:
		return reviewShape(e, p), true
	case *event.TurnCompletedPayload:
		return spanShape{"session_task.turn", turn, root, ms(p.Duration), p.Status == "failed", []tag{{"model", start.Model}}}, true
	}
	return spanShape{}, false
}

// reviewShape is the span of a review, from the request to the answer, below the call that waited for it.
func reviewShape(e *event.Event, p *event.ApprovalDecidedPayload) spanShape {
	who, _, _ := strings.Cut(p.Reviewer, ":") // without the name of a person
	name, ids := "proctor.review", []tag{{"call_id", e.Call}, {"review.id", p.ReviewID}}
	if who == "auto_review" { // as the CLI names them
		name, ids = "guardian_review", []tag{{"tool_call_id", e.Call}, {"review_id", p.ReviewID}, {"thread_id", e.Session}}
	}
	parent := turnSpan(e)
	if e.Call != "" {
		parent = callSpan(e, e.Call)
	}
	return spanShape{
		name, derived("review", e.Session, p.ApprovalID), parent, ms(p.Duration), p.Status != event.Approved,
		append(ids, tag{"reviewer", who}, tag{"status", p.Status}, tag{"risk_level", p.RiskLevel}),
	}
}

func turnSpan(e *event.Event) pcommon.SpanID { return derived("turn", e.Session, e.Turn) }

func callSpan(e *event.Event, call string) pcommon.SpanID {
	return derived("call", e.Session, e.Turn+"\x00"+call)
}

func requestSpan(e *event.Event) pcommon.SpanID { return derived("api", e.Session, string(e.ID)) }

// spanOf is the span that a log record belongs to: that of its call, else of its request, turn or session.
func spanOf(e *event.Event) pcommon.SpanID {
	switch {
	case e.Kind == event.APIRequest:
		return requestSpan(e)
	case e.Call != "":
		return callSpan(e, e.Call)
	case e.Turn != "":
		return turnSpan(e)
	}
	return spanID(e.Span)
}

// derived is the id of a span: a digest, so that the same thing has the same id at each delivery.
func derived(what, session, id string) pcommon.SpanID {
	sum := sha256.Sum256([]byte(what + "\x00" + session + "\x00" + id))
	return pcommon.SpanID(sum[:8])
}

func ms(n int64) time.Duration { return time.Duration(max(0, n)) * time.Millisecond }

func (b *spanBatch) Records() int { return b.spans }

func (b *spanBatch) Add(ctx context.Context, entry event.Entry) (bool, error) {
	e := entry.Event
	trace, ok := traceID(e.Trace)
	if !ok {
		return true, nil
	}
	start := b.sessions.of(ctx, e)
	if !b.opts.Sampler.samples(trace, start.TraceParent) {
		return true, nil
	}
	s, ok := shape(e, start)
	if e.Kind == event.SessionClosed {
		s, ok = b.session(ctx, e, start)
	}
	if !ok {
		return true, nil
	}
	if b.spans >= b.limits.Records || b.spans > 0 && b.bytes >= b.limits.Bytes {
		return false, nil
	}
	b.write(b.group(b.opts.resource(start)).AppendEmpty(), s, trace, entry)
	return true, nil
}

// session is the root span, from the first event of the session to its last.
func (b *spanBatch) session(ctx context.Context, e *event.Event, start *event.ConversationStartsPayload) (spanShape, bool) {
	first, err := b.sessions.reader.Session(ctx, e.Session, 1, 1)
	if err != nil || len(first) == 0 || first[0].Event == nil || spanID(e.Span).IsEmpty() {
		return spanShape{}, false
	}
	parent := pcommon.SpanID{}
	if at := len("00-") + 32 + 1; len(start.TraceParent) > at {
		parent = spanID(start.TraceParent[at:])
	}
	return spanShape{name: "codex.exec", id: spanID(e.Span), parent: parent, duration: max(0, e.Time.Sub(first[0].Event.Time))}, true
}

func (b *spanBatch) write(span ptrace.Span, s spanShape, trace pcommon.TraceID, entry event.Entry) {
	e := entry.Event
	span.SetTraceID(trace)
	span.SetSpanID(s.id)
	span.SetParentSpanID(s.parent)
	span.SetName(s.name)
	span.SetKind(ptrace.SpanKindInternal)
	span.SetStartTimestamp(pcommon.NewTimestampFromTime(e.Time.Add(-s.duration)))
	span.SetEndTimestamp(pcommon.NewTimestampFromTime(e.Time))
	if s.failed {
		span.Status().SetCode(ptrace.StatusCodeError)
	}
	m := span.Attributes()
	for k, v := range b.opts.SpanAttributes {
		m.PutStr(k, v)
	}
	for _, t := range append(s.texts, tag{"conversation.id", e.Session}, tag{"turn.id", e.Turn}) {
		if t.value != "" {
			m.PutStr(t.key, t.value)
		}
	}
	m.PutInt(attrSeq, int64(entry.Seq))
	b.spans++
	b.bytes += b.to.weigh(new(ptrace.ProtoMarshaler).SpanSize(span))
}

func (b *spanBatch) group(r resource) ptrace.SpanSlice {
	if s, ok := b.scopes[r]; ok {
		return s
	}
	rs := b.traces.ResourceSpans().AppendEmpty()
	r.put(rs.Resource().Attributes())
	scope := rs.ScopeSpans().AppendEmpty()
	scope.Scope().SetName(r.service)
	b.scopes[r] = scope.Spans()
	return scope.Spans()
}

func (b *spanBatch) Send(ctx context.Context) (exporters.Result, error) {
	return b.to.send(ctx, tracesCall(b.traces))
}
