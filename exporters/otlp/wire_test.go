package otlp

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"proctor/event"
	"proctor/exporters"
	"proctor/exporters/exportertest"
	"proctor/internal/redact"
)

// every is one batch with an event of each kind, and what it weighs.
func every(t *testing.T, opts Options) *logBatch {
	t.Helper()
	opts.defaults()
	l := &exportertest.Ledger{}
	s, err := event.NewStream("s", 0, strings.Repeat("ab", 16), strings.Repeat("cd", 8), l, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	drafts := exportertest.Every()
	for _, d := range drafts {
		if p, ok := d.Payload.(*event.ConversationStartsPayload); ok {
			p.TraceParent = "" // so that the trace is sampled
		}
	}
	if _, err := s.Record(t.Context(), drafts...); err != nil {
		t.Fatal(err)
	}
	make := logBatches(target{}, opts, newSessions(l), redact.New(redact.Options{LogUserPrompt: true}))
	b := make(exporters.Limits{Records: math.MaxInt, Bytes: math.MaxInt}).(*logBatch)
	for _, e := range l.Entries() {
		if _, err := b.Add(context.Background(), e); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// What is written by hand is what the library of the collector reads: nothing is lost or there twice, and the bytes are about those counted.
func TestRecordsWrittenByHandAreReadByTheCollector(t *testing.T) {
	t.Parallel()
	for _, compat := range []Compat{CodexCompat, TypedCompat} {
		b := every(t, Options{Compat: compat, GenAI: true, LogAgentResponses: true, LogGuardianAssessments: true, ResourceAttributes: map[string]string{"team": "x"}})
		body := b.encode()
		if len(body) != cap(body) || max(b.bytes-len(body), len(body)-b.bytes) > 8*len(b.order) {
			t.Errorf("%d bytes in room for %d were counted as %d", len(body), cap(body), b.bytes)
		}
		q := plogotlp.NewExportRequest()
		if err := q.UnmarshalProto(body); err != nil {
			t.Fatal(err)
		}
		again, err := q.MarshalProto()
		if err != nil || len(again) != len(body)+2*b.Records() { // the library writes an empty body
			t.Errorf("read and written again it has %d bytes, not %d: %v", len(again), len(body), err)
		}
		n := 0
		for _, r := range q.Logs().ResourceLogs().All() {
			if v, ok := r.Resource().Attributes().Get("team"); !ok || v.Str() != "x" {
				t.Error("the resource lacks an attribute of the configuration")
			}
			for _, sl := range r.ScopeLogs().All() {
				if sl.SchemaUrl() != genAISchema || sl.Scope().Name() == "" {
					t.Errorf("scope %q, schema %q", sl.Scope().Name(), sl.SchemaUrl())
				}
				for _, rec := range sl.LogRecords().All() {
					n++
					seen := map[string]bool{}
					for name := range rec.Attributes().All() {
						if seen[name] {
							t.Errorf("%s has %s twice", rec.EventName(), name)
						}
						seen[name] = true
					}
					if rec.TraceID().IsEmpty() || rec.SpanID().IsEmpty() || !rec.Flags().IsSampled() || rec.Timestamp() == 0 || rec.ObservedTimestamp() == 0 {
						t.Errorf("%s: %v %v %v", rec.EventName(), rec.TraceID(), rec.SpanID(), rec.Flags())
					}
				}
			}
		}
		if n != b.Records() || n < 50 {
			t.Errorf("%d records of %d arrived", n, b.Records())
		}
	}
}

func TestAttributesOfEveryTypeAndSize(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 100, 127, 128, 16_383, 16_384, 70_000} {
		text := strings.Repeat("x", n)
		a := attributes{as: recordAttributes}
		a.text("text", text)
		a.missing("text", "another")
		a.missing("empty", "")
		a.number("negative", -int64(n)-1)
		a.number("large", math.MaxInt64)
		a.flag("yes", true)
		a.flag("no", false)
		a.list("list", []string{text, "", "y"})
		a.list("none", nil)
		body := appendText(nil, scopeRecords, a.b)
		q := plogotlp.NewExportRequest()
		if err := q.UnmarshalProto(appendText(nil, requestGroups, appendText(nil, groupScopes, body))); err != nil {
			t.Fatal(err)
		}
		m := q.Logs().ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().AsRaw()
		list, _ := m["list"].([]any)
		none, isList := m["none"].([]any)
		if m["text"] != text || m["negative"] != -int64(n)-1 || m["large"] != int64(math.MaxInt64) || m["yes"] != true || m["no"] != false ||
			len(list) != 3 || list[0] != text || list[1] != "" || list[2] != "y" || !isList || len(none) != 0 || len(m) != 7 {
			t.Errorf("with %d bytes: %d attributes, %v", n, len(m), m["negative"])
		}
	}
}
