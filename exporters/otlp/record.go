package otlp

import (
	"encoding/hex"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"proctor/event"
	"proctor/internal/redact"
)

// Attribute names of ours, on every record.
const (
	attrSeq        = "proctor.seq"
	attrLeaf       = "proctor.leaf"
	attrSessionSeq = "proctor.session_seq"
	attrEventID    = "proctor.event_id"
	attrActor      = "proctor.actor"
	attrCause      = "proctor.cause"
	attrRedacted   = "proctor.redacted" // receipts of what was removed
	ourPrefix      = "proctor."
)

// timestampLayout is event.timestamp: RFC 3339, milliseconds, Z.
const timestampLayout = "2006-01-02T15:04:05.000Z"

// repeated are fields of the first event that are common attributes or the resource anyway.
var repeated = map[string]bool{"app.version": true, "originator": true, "terminal.type": true, "model": true, "host.name": true}

// write fills rec with an entry. The view is what of the event may leave.
func (o *Options) write(rec plog.LogRecord, entry event.Entry, view redact.View, start *event.ConversationStartsPayload) {
	e := entry.Event
	rec.SetTimestamp(pcommon.NewTimestampFromTime(e.Time))
	rec.SetObservedTimestamp(pcommon.NewTimestampFromTime(entry.Received))
	rec.SetEventName(string(e.Kind))
	level := o.severity(e.Kind)
	rec.SetSeverityNumber(plog.SeverityNumber(level))
	rec.SetSeverityText(severityText(level))
	if id, ok := traceID(e.Trace); ok {
		rec.SetTraceID(id)
		rec.SetFlags(plog.DefaultLogRecordFlags.WithIsSampled(o.Sampler.samples(id, start.TraceParent)))
		rec.SetSpanID(spanOf(e))
	}
	m := rec.Attributes()
	m.EnsureCapacity(len(view.Values) + 26)
	m.PutStr("event.name", string(e.Kind))
	for _, v := range view.Values {
		o.put(m, e.Kind, v)
	}
	m.PutStr("event.timestamp", e.Time.UTC().Format(timestampLayout))
	m.PutStr("conversation.id", e.Session)
	putMissing(m, "app.version", start.AppVersion)
	putMissing(m, "originator", start.Originator)
	putMissing(m, "terminal.type", start.TerminalType)
	putMissing(m, "model", start.Model)
	putMissing(m, "slug", start.Model)
	joinKeys(m, entry, view.Receipts)
	if o.GenAI {
		genAI(m, e, start)
	}
}

func joinKeys(m pcommon.Map, entry event.Entry, receipts []redact.Receipt) {
	e := entry.Event
	putMissing(m, "turn.id", e.Turn)
	putMissing(m, "call_id", e.Call)
	m.PutInt(attrSeq, int64(entry.Seq))
	m.PutStr(attrLeaf, entry.Leaf.String())
	m.PutInt(attrSessionSeq, int64(entry.SessionSeq))
	m.PutStr(attrEventID, string(e.ID))
	m.PutStr(attrActor, string(e.Actor))
	putMissing(m, attrCause, string(e.Cause))
	if len(receipts) == 0 {
		return
	}
	list := m.PutEmptySlice(attrRedacted)
	for _, r := range receipts {
		list.AppendEmpty().SetStr(r.String())
	}
}

// put writes one field under its name, those of ours in Codex events with a prefix.
func (o *Options) put(m pcommon.Map, k event.Kind, v redact.Value) {
	name := v.Name
	if !v.Codex {
		if k == event.ConversationStarts && repeated[name] {
			return
		}
		name = ourPrefix + name
	}
	asText := v.Text && o.Compat == CodexCompat
	switch x := v.Any.(type) {
	case string:
		m.PutStr(name, x)
	case int64:
		if asText {
			m.PutStr(name, strconv.FormatInt(x, 10))
			return
		}
		m.PutInt(name, x)
	case bool:
		if asText {
			m.PutStr(name, strconv.FormatBool(x))
			return
		}
		m.PutBool(name, x)
	case []string:
		list := m.PutEmptySlice(name)
		for _, s := range x {
			list.AppendEmpty().SetStr(s)
		}
	}
}

// putMissing leaves out empty values and does not replace what the event says itself.
func putMissing(m pcommon.Map, key, value string) {
	if value == "" {
		return
	}
	if _, ok := m.Get(key); !ok {
		m.PutStr(key, value)
	}
}

// severity is INFO for all that the CLI logs, as it says itself; compat "typed" has the catalog's.
func (o *Options) severity(k event.Kind) event.Severity {
	if family, _ := k.Split(); family == "codex" && o.Compat == CodexCompat {
		return event.Info
	}
	c, _ := event.Lookup(k)
	return c.Severity
}

func severityText(s event.Severity) string {
	switch {
	case s >= event.Error:
		return "ERROR"
	case s >= event.Warn:
		return "WARN"
	}
	return "INFO"
}

func traceID(s string) (pcommon.TraceID, bool) {
	var id pcommon.TraceID
	n, err := hex.Decode(id[:], []byte(clip(s, 2*len(id))))
	return id, err == nil && n == len(id) && !id.IsEmpty()
}

// spanID is empty when s is not one.
func spanID(s string) pcommon.SpanID {
	var id pcommon.SpanID
	if n, err := hex.Decode(id[:], []byte(clip(s, 2*len(id)))); err != nil || n != len(id) {
		return pcommon.SpanID{}
	}
	return id
}

func clip(s string, n int) string { return s[:min(len(s), n)] }
