package event

import "errors"

// Fault is an error that callers tell apart by its code. Two faults with one code are the same to errors.Is whatever their
// texts say, so it stays the same when it crosses the bus, which carries code and text.
type Fault struct {
	Code string // a word of at most [MaxFaultCode] bytes
	Text string
}

// Codes that packages which do not know the ledger tell apart: it cannot record any more.
const (
	CodeLedgerFailed = "ledger_failed"
	CodeLedgerClosed = "ledger_closed"
)

// MaxFaultCode bounds the code of a Fault.
const MaxFaultCode = 64

func (f Fault) Error() string { return f.Text }

// Is makes errors.Is compare codes.
func (f Fault) Is(target error) bool {
	t, ok := target.(Fault)
	return ok && t.Code == f.Code
}

// FaultCode is the code of the first Fault that err wraps, empty when it wraps none.
func FaultCode(err error) string {
	f, _ := errors.AsType[Fault](err)
	return f.Code
}
