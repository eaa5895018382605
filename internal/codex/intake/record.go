package intake

import (
	"crypto/sha256"
	"encoding/binary"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"proctor/event"
	"proctor/internal/codex"
)

// Suffix ends the name of a session of reports.
const Suffix = "-otel"

// Source marks the originator of a session of reports.
const Source = "reported:codex-otel"

// Bounds of one attribute, in bytes.
const (
	maxSensitive = 256 << 10
	maxLabel     = 4096
	maxID        = 128
)

// Counts say what became of records.
type Counts struct{ Taken, Unknown, Homeless int }

// read makes reports of logs. Unknown kinds are left out, and so are records that name no conversation.
func read(logs plog.Logs) (out []codex.Report, c Counts) {
	for _, resource := range logs.ResourceLogs().All() {
		for _, scope := range resource.ScopeLogs().All() {
			for _, record := range scope.LogRecords().All() {
				r, known := report(record)
				switch {
				case !known:
					c.Unknown++
				case r.Session == "":
					c.Homeless++
				default:
					c.Taken++
					out = append(out, r)
				}
			}
		}
	}
	return out, c
}

func report(record plog.LogRecord) (r codex.Report, known bool) {
	attributes := record.Attributes()
	kind := event.Kind(text(attributes, "event.name"))
	entry, ok := event.Lookup(kind)
	if family, _ := kind.Split(); !ok || family != "codex" {
		return r, false
	}
	if id := text(attributes, "conversation.id"); event.CheckSession(id+Suffix) == nil && id != "" && !strings.HasSuffix(id, Suffix) { // not what was exported from here
		r.Session = id + Suffix
	}
	r.Turn = codex.Mark + "otel"
	if call := text(attributes, "call_id"); call != "" {
		r.Call = codex.Mark + clip(call, maxID)
	}
	r.Time = record.Timestamp().AsTime()
	if record.Timestamp() == 0 {
		r.Time = record.ObservedTimestamp().AsTime()
	}
	if at, err := time.Parse(time.RFC3339Nano, text(attributes, "event.timestamp")); err == nil {
		r.Time = at
	}
	r.Payload = entry.New()
	fill(r.Payload, attributes)
	if p, ok := r.Payload.(*event.ConversationStartsPayload); ok {
		p.Originator = Source
	}
	r.ID = identity(r, uint64(record.Timestamp()), attributes)
	return r, true
}

// places are where attributes go, by the type of the payload: a map from names to indexes of fields.
var places sync.Map

func placesOf(p event.Payload) map[string][]int {
	t := reflect.TypeOf(p)
	if known, ok := places.Load(t); ok {
		return known.(map[string][]int) //nolint:forcetypeassert // nothing else is stored
	}
	m := map[string][]int{}
	for _, f := range event.Fields(p) {
		m[f.Name] = f.Index
	}
	places.Store(t, m)
	return m
}

// fill sets the fields of a payload that attributes are named after. What has another type than its field is left out; of two attributes
// with one name the first counts.
func fill(p event.Payload, attributes pcommon.Map) {
	v, to := reflect.ValueOf(p).Elem(), placesOf(p)
	done := make([]string, 0, 16)
	for name, a := range attributes.All() {
		if at, ok := to[name]; ok && !slices.Contains(done, name) {
			set(v.FieldByIndex(at), a)
			done = append(done, name)
		}
	}
}

var sensitive = reflect.TypeFor[event.Sensitive]()

func set(field reflect.Value, a pcommon.Value) {
	if field.Kind() == reflect.Pointer {
		v := reflect.New(field.Type().Elem())
		set(v.Elem(), a)
		field.Set(v)
		return
	}
	s := a.AsString()
	switch {
	case field.Type() == sensitive:
		if s != "" {
			field.Set(reflect.ValueOf(event.Secret(clip(s, maxSensitive))))
		}
	case field.Kind() == reflect.String:
		field.SetString(clip(s, maxLabel))
	case field.CanInt():
		if n, err := strconv.ParseInt(s, 10, 64); err == nil && !field.OverflowInt(n) {
			field.SetInt(n)
		}
	case field.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(s)
		field.SetBool(err == nil && b)
	}
}

// identity is the same for a record that is sent again, and sorts by its time.
func identity(r codex.Report, nanos uint64, attributes pcommon.Map) event.ID {
	h := sha256.New()
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], nanos)
	_, _ = h.Write(b[:])
	_, _ = h.Write([]byte(r.Session))
	for key, value := range attributes.All() {
		s := value.AsString()
		binary.BigEndian.PutUint64(b[:], uint64(len(key))<<32|uint64(len(s)))
		_, _ = h.Write(b[:])
		_, _ = h.Write([]byte(key))
		_, _ = h.Write([]byte(s))
	}
	return codex.IDOf(r.Time, h.Sum(nil))
}

func text(m pcommon.Map, name string) string {
	if v, ok := m.Get(name); ok {
		return v.AsString()
	}
	return ""
}

func clip(s string, most int) string {
	if len(s) > most {
		s = s[:most]
	}
	return strings.ToValidUTF8(s, "")
}
