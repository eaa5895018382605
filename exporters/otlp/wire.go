package otlp

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
)

// Log records are written as protobuf straight from the event, as opentelemetry/proto/logs/v1 and common/v1 number their fields: they are
// the bulk of what leaves, and objects in between cost more than all else about them. Metrics, spans and JSON go through pdata.

// fieldTag begins a field: its number and wire type. All numbers here are below 16, so a tag is one byte.
type fieldTag byte

const (
	varint  = 0
	fixed64 = 1
	bytesOf = 2
	fixed32 = 5
)

func field(number, wire byte) fieldTag { return fieldTag(number<<3 | wire) }

// Fields of a request and what it holds.
var (
	requestGroups      = field(1, bytesOf)
	groupResource      = field(1, bytesOf)
	resourceAttributes = field(1, bytesOf)
	groupScopes        = field(2, bytesOf)
	groupScope         = field(1, bytesOf)
	scopeName          = field(1, bytesOf)
	scopeVersion       = field(2, bytesOf)
	scopeRecords       = field(2, bytesOf)
	groupSchema        = field(3, bytesOf)

	recordTime       = field(1, fixed64)
	recordSeverity   = field(2, varint)
	recordText       = field(3, bytesOf)
	recordAttributes = field(6, bytesOf)
	recordFlags      = field(8, fixed32)
	recordTrace      = field(9, bytesOf)
	recordSpan       = field(10, bytesOf)
	recordObserved   = field(11, fixed64)
	recordEvent      = field(12, bytesOf)

	pairKey   = field(1, bytesOf)
	pairValue = field(2, bytesOf)

	valueText   = field(1, bytesOf)
	valueFlag   = field(2, varint)
	valueNumber = field(3, varint)
	valueList   = field(5, bytesOf)
	listValues  = field(1, bytesOf)
)

func appendText[T string | []byte](b []byte, t fieldTag, s T) []byte {
	return append(appendHead(b, t, len(s)), s...)
}

// appendHead begins a field of n bytes.
func appendHead(b []byte, t fieldTag, n int) []byte {
	return binary.AppendUvarint(append(b, byte(t)), uint64(n))
}

func appendFixed64(b []byte, t fieldTag, v uint64) []byte {
	return binary.LittleEndian.AppendUint64(append(b, byte(t)), v)
}

func appendVarint(b []byte, t fieldTag, v uint64) []byte {
	return binary.AppendUvarint(append(b, byte(t)), v)
}

// sizeOf is the size of a field of n bytes.
func sizeOf(n int) int { return 1 + varintSize(uint64(n)) + n }

func varintSize(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

// attributes are written once a name. The caller sees to it that a name is new, or uses missing.
type attributes struct {
	as    fieldTag // of each
	b     []byte   // the message so far
	names []string // of its attributes
}

// begin writes the pair up to its value, which has n bytes.
func (a *attributes) begin(name string, n int) {
	a.names = append(a.names, name)
	a.b = appendHead(a.b, a.as, sizeOf(len(name))+sizeOf(n))
	a.b = appendHead(appendText(a.b, pairKey, name), pairValue, n)
}

func (a *attributes) text(name, s string) {
	a.begin(name, sizeOf(len(s)))
	a.b = appendText(a.b, valueText, s)
}

func (a *attributes) number(name string, n int64) {
	a.begin(name, 1+varintSize(uint64(n)))
	a.b = appendVarint(a.b, valueNumber, uint64(n))
}

func (a *attributes) flag(name string, v bool) {
	a.begin(name, 2)
	a.b = append(a.b, byte(valueFlag), 0)
	if v {
		a.b[len(a.b)-1] = 1
	}
}

func (a *attributes) list(name string, texts []string) {
	n := 0
	for _, s := range texts {
		n += sizeOf(sizeOf(len(s)))
	}
	a.begin(name, sizeOf(n))
	a.b = appendHead(a.b, valueList, n)
	for _, s := range texts {
		a.b = appendText(appendHead(a.b, listValues, sizeOf(len(s))), valueText, s)
	}
}

// missing leaves out empty values, and what was written before.
func (a *attributes) missing(name, s string) {
	if s != "" && !slices.Contains(a.names, name) {
		a.text(name, s)
	}
}

// encodedLogs is an ExportLogsServiceRequest in protobuf form.
type encodedLogs []byte

func (e encodedLogs) MarshalProto() ([]byte, error) { return e, nil }

func (e encodedLogs) MarshalJSON() ([]byte, error) {
	r := plogotlp.NewExportRequest()
	if err := r.UnmarshalProto(e); err != nil {
		return nil, err
	}
	return r.MarshalJSON()
}
