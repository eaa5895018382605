package reviewer

import (
	"strings"
	"unicode/utf8"

	"proctor/event"
	"proctor/policy"
)

// Status is how a review ended. Only Approved lets the action run.
type Status string

// The statuses.
const (
	Approved     Status = event.Approved
	Denied       Status = event.Denied
	TimedOut     Status = event.TimedOut
	Aborted      Status = event.Aborted
	FailedClosed Status = event.FailedClosed
)

func (s Status) known() bool {
	switch s {
	case Approved, Denied, TimedOut, Aborted, FailedClosed:
		return true
	}
	return false
}

// Genuine reports whether s is a denial on the merits: the only status that a circuit breaker counts.
func (s Status) Genuine() bool { return s == Denied }

// Failure says why a review gave no judgement. The words are the tag values of codex.guardian.review.
type Failure string

// The failures.
const (
	NoFailure    Failure = "none"
	Timeout      Failure = "timeout"
	Cancelled    Failure = "cancelled"
	PromptBuild  Failure = "prompt_build_error"
	SessionError Failure = "session_error"
	ParseError   Failure = "parse_error"
)

// The scopes of an approval.
const (
	Once    = event.ScopeOnce
	Session = event.ScopeSession
	Rule    = event.ScopeAmendment
)

// Verdict is the answer to one request.
type Verdict struct {
	Status  Status
	Scope   string // Once, Session or Rule when approved
	Reason  policy.Reason
	Failure Failure
	// Outcome is what the reviewer itself said, which the gate may have overruled; empty without a judgement.
	Outcome       Outcome
	Risk          Risk
	Authorization Authorization
	// Rationale is for people and for the model under review; at most maxRationale bytes are kept.
	Rationale string
	Attempts  int // model calls made, 0 for a person
	// By is who decided when the reviewer is several people, empty for the reviewer itself; Voters are all who answered.
	By     string
	Voters []string
	Trace  Trace
}

// failed is a verdict without judgement.
func failed(s Status, f Failure, r policy.Reason, why string) Verdict {
	return Verdict{Status: s, Failure: f, Reason: r, Rationale: why}
}

// Fail is the closed verdict of a review that could not be completed.
func Fail(f Failure, r policy.Reason, why string) Verdict { return failed(FailedClosed, f, r, why) }

// maxRationale bounds the recorded rationale in bytes.
const maxRationale = 8 << 10

// clip cuts text to at most limit bytes at a character boundary and marks the cut.
func clip(text string, limit int) string {
	const mark = " […cut]"
	if len(text) <= limit {
		return text
	}
	cut := limit - len(mark)
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return strings.ToValidUTF8(text[:cut], "") + mark
}
