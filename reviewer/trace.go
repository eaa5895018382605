package reviewer

import (
	"time"

	"proctor/event"
)

// The conversations that a review can take place in: tag values of codex.guardian.review.
const (
	TrunkNew        = "trunk_new"
	TrunkReused     = "trunk_reused"
	EphemeralForked = "ephemeral_forked"
)

// Trace is how an automatic review went, beside its verdict. The zero value is that of a person.
type Trace struct {
	Model, Effort string
	// Conversation is one of the words above, empty when no prompt was built. Prior tells that it held earlier reviews.
	Conversation string
	Prior        bool
	// Usage adds up all model calls of the review, FirstOutput is the time to the first output of the first answer.
	Usage       event.Usage
	FirstOutput time.Duration
	// Cost is in millionths of the currency that a price is configured in, 0 without a price.
	Cost int64
	// Inspections counts the reviewer's own tool calls.
	Inspections int
	Retries     []Retry
	// Sections are what was shown, RequestTokens estimates the whole first request.
	Sections      []event.ReviewSection
	RequestTokens int64
}

// Retry is one pause before another attempt.
type Retry struct {
	Failure Failure
	Wait    time.Duration
}
