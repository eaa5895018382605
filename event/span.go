package event

// Span is a part of a numbered source of events, such as a partition of a message stream: what comes After one message, up
// to and including another.
type Span struct {
	Source      string // at most 256 bytes
	After, Upto uint64
}

// ErrPosition means that a ledger stands elsewhere in a source than where a span begins: it has the span already, or not yet
// what comes before. Nothing was recorded; go on from where it stands.
var ErrPosition error = Fault{"position", "the ledger stands elsewhere in the source"}
