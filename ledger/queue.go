package ledger

import (
	"slices"
	"sync"
)

// queue holds what waits for the committer, and what was taken but not answered.
// Every op that was pushed is answered exactly once, by whoever removes it from pending.
type queue struct {
	mu       sync.Mutex
	notEmpty sync.Cond
	room     sync.Cond

	waiting []*op // guarded by mu, as all below
	bytes   int   // of waiting
	pending []*op // taken, oldest first
	refuse  error // why nothing from outside is taken any more: ErrClosed or ErrFailed
	failed  error // ErrFailed with its cause: nothing is taken at all
	stopped bool  // the committer ends when waiting is empty
}

func newQueue() *queue {
	q := &queue{}
	q.notEmpty.L, q.room.L = &q.mu, &q.mu
	return q
}

// push waits for room and appends o. own marks the ledger's own ops: they pass while closing and never wait.
func (q *queue) push(o *op, own bool) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !own && q.refuse == nil && q.failed == nil && q.bytes > 0 && q.bytes+o.bytes > maxQueueBytes {
		q.room.Wait()
	}
	switch {
	case q.failed != nil:
		return q.failed
	case q.refuse != nil && !own, q.stopped:
		return ErrClosed
	}
	q.waiting = append(q.waiting, o)
	q.bytes += o.bytes
	q.notEmpty.Signal()
	return nil
}

// take moves the next group to pending and returns it; false when the ledger stopped or failed.
func (q *queue) take(group []*op) ([]*op, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) == 0 && !q.stopped && q.failed == nil {
		q.notEmpty.Wait()
	}
	if q.failed != nil || len(q.waiting) == 0 {
		return nil, false
	}
	n, bytes := 0, 0
	for n < len(q.waiting) && n < maxGroupOps && (n == 0 || bytes+q.waiting[n].bytes <= maxGroupBytes) {
		bytes += q.waiting[n].bytes
		n++
	}
	group = append(group[:0], q.waiting[:n]...)
	q.waiting = remove(q.waiting, n)
	q.pending = append(q.pending, group...)
	q.bytes -= bytes
	q.room.Broadcast()
	return group, true
}

func (q *queue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting) == 0
}

// settle takes the oldest n ops off pending, for the caller to answer; false when fail was first.
func (q *queue) settle(n int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.failed != nil {
		return false
	}
	q.pending = remove(q.pending, n)
	return true
}

// fail refuses everything from now on. The first cause stays; it reports whether this was it.
func (q *queue) fail(err error) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.failed != nil {
		return false
	}
	q.failed = err
	q.notEmpty.Broadcast()
	q.room.Broadcast()
	return true
}

// abandon returns all that is unanswered after fail, oldest first.
func (q *queue) abandon() []*op {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := slices.Concat(q.pending, q.waiting)
	q.pending, q.waiting, q.bytes = nil, nil, 0
	return all
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.refuse = ErrClosed
	q.room.Broadcast()
}

func (q *queue) stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stopped = true
	q.notEmpty.Broadcast()
}

func (q *queue) failure() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.failed
}

// remove drops the first n ops and keeps the array, without holding on to them.
func remove(ops []*op, n int) []*op {
	rest := copy(ops, ops[n:])
	clear(ops[rest:])
	return ops[:rest]
}
