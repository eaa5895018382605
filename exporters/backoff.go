package exporters

import "time"

const (
	backoffBase = 500 * time.Millisecond
	backoffCap  = 30 * time.Second
	blockedWait = time.Minute
	// maxServerWait bounds what a receiver may ask for.
	maxServerWait = 10 * time.Minute
)

// wait says how long to wait after the n-th failure in a row, n from 1: full jitter over a
// doubling span, unless the receiver named a time.
func wait(err *SendError, n int, random func(int64) int64) time.Duration {
	if err.After > 0 {
		return min(err.After, maxServerWait)
	}
	if err.Class == Blocked {
		return blockedWait
	}
	span := backoffCap
	if n < 8 {
		span = min(backoffCap, backoffBase<<(n-1))
	}
	return time.Duration(random(int64(span))) + time.Millisecond
}
