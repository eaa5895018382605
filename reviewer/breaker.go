package reviewer

import (
	"fmt"
	"math/bits"
)

// BreakerLimits say when denials interrupt a turn. The zero value is 3 in a row or 10 of the last 50.
type BreakerLimits struct {
	Consecutive int
	Recent      int
	Window      int // reviews that Recent looks back on, at most 64
}

func (l BreakerLimits) withDefaults() BreakerLimits {
	if l.Consecutive <= 0 {
		l.Consecutive = 3
	}
	if l.Recent <= 0 {
		l.Recent = 10
	}
	if l.Window <= 0 {
		l.Window = 50
	}
	l.Window = min(l.Window, 64)
	return l
}

// Breaker counts the denials of one turn. It is a value; the zero value starts a turn.
type Breaker struct {
	consecutive int
	window      uint64 // one bit a review, the newest lowest: 1 is a denial
	tripped     bool
}

// Trip tells what the breaker saw after a review.
type Trip struct {
	// Interrupt says that the turn must end now. It is true at most once in a turn.
	Interrupt   bool
	Consecutive int
	Recent      int
}

// Warning is the line for people when a turn is interrupted.
func (t Trip) Warning() string {
	return fmt.Sprintf("the reviewer refused too often: %d denials in a row, %d among the latest reviews; the turn is interrupted", t.Consecutive, t.Recent)
}

// After counts one review. Only denials on the merits count; approvals, timeouts, aborted and
// failed reviews end a run of denials.
func (b Breaker) After(s Status, limits BreakerLimits) (Breaker, Trip) {
	l := limits.withDefaults()
	b.window <<= 1
	if s.Genuine() {
		b.window |= 1
		b.consecutive++
	} else {
		b.consecutive = 0
	}
	if l.Window < 64 {
		b.window &= 1<<l.Window - 1
	}
	t := Trip{Consecutive: b.consecutive, Recent: bits.OnesCount64(b.window)}
	t.Interrupt = !b.tripped && (t.Consecutive >= l.Consecutive || t.Recent >= l.Recent)
	b.tripped = b.tripped || t.Interrupt
	return b, t
}
