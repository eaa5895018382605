// Package cases runs policy case files: JSON Lines with an input and what must be decided.
//
// Run reads one object a line and calls a function with each Result, in order. The kinds are command, rules, egress,
// egress_config and egress_bind; their fields are those of the case files' README, every other field is a comment. A case passes
// when every stated expectation holds. A kind this package does not know fails with "unsupported kind"; it is never counted as passed.
//
// Guarantees: nothing outside the reader is touched, resolvers are stubs that answer from the case. A line that is not a
// case (bad JSON, a missing field, longer than maxLine) stops the run with *LineError, which names the line.
// Bounds: maxLine bytes a line; one line in memory at a time.
//
// It does not open files or print; that is the caller's part.
package cases
