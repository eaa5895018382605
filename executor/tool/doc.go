// Package tool is what a model may ask the executor for: the contract of a tool,
// the registry, and the bounds that all tools share.
//
// A call goes through two steps. [Tool.Propose] parses and checks the arguments,
// computes the exact [event.Action] and changes nothing; policy and reviewer judge
// that action. [Proposal.Run] then does it, under a [Grant] that names the digest
// which was decided. Run refuses with [ErrDigest] when its own action has another
// one, so nothing runs that was not judged (invariant I11).
//
// What the model reads:
//   - Propose fails with an [*ArgumentError]: its text says what was wrong and what was expected.
//   - [Registry.Lookup] fails with an [*UnknownToolError].
//   - Run returns a [Result]; Result.Output is the text, also beside an error.
//
// Errors of Run: ErrDigest (a defect of the caller), [ErrNotStarted] (nothing ran;
// the cause is wrapped), or the context's error (the call was interrupted, what it
// started was ended). A tool that worked and reports failure (an exit code, a
// refused write, a tool error of a server) returns no error.
//
// Bounds: arguments [MaxArguments]; text shown to the model [DefaultOutputTokens]
// unless the call asks for less; collected output [MaxAggregated]. Every cut is marked
// in the text, the way the models know it from Codex.
//
// Proposals may run at the same time as others. An [Observer] hears of output,
// denials and changes while Run works, possibly from several goroutines, and, for
// commands left running, after it returned.
//
// This package decides nothing and records nothing: the executor does, before it calls Run.
package tool
