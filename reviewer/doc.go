// Package reviewer answers approval requests.
//
// A request is an event, proctor.approval_requested, and so is its answer. [Serve] takes
// requests from a queue group, publishes proctor.review_started, asks one [Reviewer], and
// records exactly one proctor.approval_decided, with the same action digest:
//
//	err := reviewer.Serve(ctx, bus, streams, auto, reviewer.Options{Group: "review-" + session})
//
// The implementations are reviewer/auto (a model) and reviewer/human (a person at a
// terminal). What an automatic answer is worth is decided here and not by the model:
// [Parse] reads it strictly and [Gate] holds the risk thresholds of the security document
// against it (critical is never approved; high needs a user's authorization of at least medium).
//
// # Guarantees
//
// Closed on every fault. Only the status approved lets an action run. A panic, an unreadable
// request, an action that does not match its digest, an unknown status, an ended context and a
// passed deadline each give a status of their own, none of them approved. An approval
// that arrives after the deadline is dropped.
//
// One answer. Each request that reaches Serve gets one review_started and one approval_decided,
// also when it is delivered again (the last 4096 requests are remembered) and also while
// Serve is being stopped: answers are recorded under a context that outlives the caller's by
// at most 5 seconds. When recording fails there is no answer, the executor's wait ends without
// one, and Serve returns the error.
//
// Order and concurrency. Up to Options.Parallel requests are reviewed at a time; when all
// are taken, the subscription's callback waits, and the deadlines of waiting requests run on.
//
// # Pure parts
//
// [Parse], [Gate], [Breaker] and [Message] decide and describe without I/O or clock. A Breaker
// is a value that the executor carries through one turn; the same results trip it at the same place.
//
// # What it does not do
//
// It does not choose whether an action needs approval (policy), does not run anything
// (executor) and does not find out whether another process answered a request after a crash: the
// ledger shows that, and the executor takes only the first answer with its digest.
package reviewer
