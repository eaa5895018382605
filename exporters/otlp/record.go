package otlp

import (
	"encoding/binary"
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

// write appends an entry as a LogRecord to a.b. The view is what of the event may leave.
func (o *Options) write(a *attributes, entry event.Entry, view redact.View, start *event.ConversationStartsPayload) {
	e := entry.Event
	level := o.severity(e.Kind)
	a.b = appendFixed64(a.b, recordTime, uint64(pcommon.NewTimestampFromTime(e.Time)))
	a.b = appendFixed64(a.b, recordObserved, uint64(pcommon.NewTimestampFromTime(entry.Received)))
	a.b = appendVarint(a.b, recordSeverity, uint64(level))
	a.b = appendText(a.b, recordText, severityText(level))
	a.b = appendText(a.b, recordEvent, string(e.Kind))
	if id, ok := traceID(e.Trace); ok {
		span := spanOf(e)
		a.b = appendText(a.b, recordTrace, id[:])
		if !span.IsEmpty() {
			a.b = appendText(a.b, recordSpan, span[:])
		}
		if o.Sampler.samples(id, start.TraceParent) {
			a.b = binary.LittleEndian.AppendUint32(append(a.b, byte(recordFlags)), uint32(plog.DefaultLogRecordFlags.WithIsSampled(true)))
		}
	}
	a.text("event.name", string(e.Kind))
	for _, v := range view.Values {
		o.put(a, e.Kind, v)
	}
	a.text("event.timestamp", e.Time.UTC().Format(timestampLayout))
	a.text("conversation.id", e.Session)
	a.missing("app.version", start.AppVersion)
	a.missing("originator", start.Originator)
	a.missing("terminal.type", start.TerminalType)
	a.missing("model", start.Model)
	a.missing("slug", start.Model)
	joinKeys(a, entry, view.Receipts)
	if o.GenAI {
		genAI(a, e, start)
	}
}

func joinKeys(a *attributes, entry event.Entry, receipts []redact.Receipt) {
	e := entry.Event
	a.missing("turn.id", e.Turn)
	a.missing("call_id", e.Call)
	a.number(attrSeq, int64(entry.Seq))
	a.text(attrLeaf, entry.Leaf.String())
	a.number(attrSessionSeq, int64(entry.SessionSeq))
	a.text(attrEventID, string(e.ID))
	a.text(attrActor, string(e.Actor))
	a.missing(attrCause, string(e.Cause))
	if len(receipts) == 0 {
		return
	}
	list := make([]string, len(receipts))
	for i, r := range receipts {
		list[i] = r.String()
	}
	a.list(attrRedacted, list)
}

// put writes one field under its name, those of ours in Codex events with a prefix.
func (o *Options) put(a *attributes, k event.Kind, v redact.Value) {
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
		a.text(name, x)
	case int64:
		if asText {
			a.text(name, strconv.FormatInt(x, 10))
			return
		}
		a.number(name, x)
	case bool:
		if asText {
			a.text(name, strconv.FormatBool(x))
			return
		}
		a.flag(name, x)
	case []string:
		a.list(name, x)
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
