package exporters

import (
	"encoding/json"
	"fmt"
	"time"
)

// Account is what a destination came to since it first ran, whichever process sent. It is stored in the step that moves the
// cursor, so the two agree: what Accepted and Rejected count is what lies below the cursor. A batch whose answer
// got lost is not counted until it is accepted again.
type Account struct {
	Signal   string `json:"signal"`
	Accepted int64  `json:"accepted"` // records that the destination acknowledged
	Rejected int64  `json:"rejected"` // records that it refused for good; each batch has its proctor.export_gap
	Skipped  int64  `json:"skipped"`  // entries of unknown kinds, and entries that could not be mapped
	Withheld int64  `json:"withheld"` // entries that this destination may not have, see Options.Keep

	Failures     int64     `json:"failures"` // attempts that failed
	LastAccepted time.Time `json:"last_accepted,omitzero"`
	LastError    string    `json:"last_error,omitempty"`
	LastErrorAt  time.Time `json:"last_error_at,omitzero"`
	// FailingSince is the first failed attempt after the newest accepted one; zero when the newest attempt was accepted.
	FailingSince time.Time `json:"failing_since,omitzero"`
	// Class of the newest failure while the destination fails, see [Class].
	Class string `json:"class,omitempty"`
	// RetryAt is when the destination is tried again, while it fails.
	RetryAt time.Time `json:"retry_at,omitzero"`
}

// Failing reports whether the newest attempt failed.
func (a Account) Failing() bool { return !a.FailingSince.IsZero() }

// ReadAccount returns the account of a destination, a zero one when it never ran.
func ReadAccount(c Cursors, name string) (Account, error) {
	b, err := c.Account(name)
	if err != nil {
		return Account{}, fmt.Errorf("read account of destination %q: %w", name, err)
	}
	var a Account
	if len(b) == 0 {
		return a, nil
	}
	if err := json.Unmarshal(b, &a); err != nil {
		return Account{}, fmt.Errorf("read account of destination %q: %w", name, err)
	}
	return a, nil
}

func (a *Account) encode() []byte {
	b, err := json.Marshal(a)
	if err != nil { // a time beyond the year 9999
		return nil
	}
	return b
}

// accepted counts a batch that has its answer; message is why records of it were refused.
func (a *Account) accepted(records, rejected int64, message string, now time.Time) {
	a.Accepted += records
	a.Rejected += rejected
	if records > 0 || rejected == 0 {
		a.LastAccepted = now
	}
	if rejected > 0 {
		a.LastError, a.LastErrorAt = bounded(message), now
	}
	a.FailingSince, a.Class, a.RetryAt = time.Time{}, "", time.Time{}
}

func (a *Account) failed(fault *SendError, now, again time.Time) {
	a.Failures++
	a.LastError, a.LastErrorAt, a.Class, a.RetryAt = bounded(fault.Err.Error()), now, fault.Class.String(), again
	if a.FailingSince.IsZero() {
		a.FailingSince = now
	}
}
