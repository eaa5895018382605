// Package human is the reviewer that asks people.
//
// A [Panel] is the reviewer of a session: it waits for the votes of people, of whoever sits at the terminal of the run and of
// others elsewhere ([Panel.Vote]), records each before it counts, and decides: one refusal refuses, an approval needs as many
// different people as are set, for the narrowest of the scopes they gave.
//
//	panel := human.NewPanel(human.PanelOptions{People: 2, Record: record, Terminal: terminal})
//	err := reviewer.Serve(ctx, bus, streams, panel, reviewer.Options{})
//	tally, err := panel.Vote(ctx, approval, human.Vote{Voter: "ann", Approve: true, Scope: reviewer.Once, Digest: digest})
//
// A vote names the digest of the action that was looked at; for another one it does not count. Whoever answers twice, or after the request
// was decided, is told so.
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
// It does not check who sits at a terminal, or who votes: a name in the record is the one it was given.
package human
