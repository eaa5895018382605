// Package bus carries events from producers to the ledger, and committed events
// to whoever watches. It is an embedded NATS server that listens on no socket:
// a confined process cannot reach it.
//
// Start makes a [Bus]; Attach connects the ledger, which must happen before the
// first Submit. Submit implements [event.Sink]: events travel on the subject
// proctor.v1.<session>.<family>.<name> and are answered after the ledger's commit.
// While messages are on their way, what is submitted meanwhile is gathered and
// travels in one message, named after its first event, as group commit does it
// with a disk. Events of one Bus reach the ledger in the order of the calls.
//
// Bounds: at most [Options].MaxInFlight bytes wait for their commit; a further
// Submit blocks until there is room or its context ends. Nothing that was
// accepted is ever dropped. When the ledger fails, every waiting and later
// submission fails with its error.
//
// Subscribe delivers committed events, at most once, to one subscriber of each
// queue group, or to all without a group. A watcher that falls behind by more
// than [Options].MaxWatch messages, or 64 MiB, loses the newest ones, which is logged;
// whoever needs every entry follows the ledger instead.
package bus
