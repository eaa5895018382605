// Package human is the reviewer that asks a person at a terminal.
//
// A [Terminal] shows the action (its digest, folder, reason, rule and exact text) and waits for an
// answer: y, yes or once approve this one call; session approves the same action for the session; rule adds the rule that is
// shown, where one is offered; n or no refuses, and what follows on the line is the reason that the agent is told. Anything else is
// asked again, three times in all, and then refused.
//
// # Guarantees
//
// No answer is no. A passed deadline is timed_out, an ended context aborted, the end of input and a terminal
// that is not interactive are denied. What was typed before the question was shown is thrown away, so it cannot answer it.
//
// What is shown is what would run: control characters, invalid bytes and characters without a visible form, such as
// bidi overrides, appear as ⟨U+202E⟩; an action above 64 KiB is shown to its bound with the cut marked, and
// can then be refused but not approved.
//
// One question at a time; further requests wait for their turn within their own deadlines.
//
// # Limits
//
// It does not check who sits at the terminal: the name in the record is the one it was given.
package human
