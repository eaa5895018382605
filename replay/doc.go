// Package replay turns recorded entries into something a person can read.
//
//	t := replay.Build(entries)                          // one session, in order
//	err := replay.Write(os.Stdout, t, replay.Options{Width: 120, Color: true})
//
// [Build] groups the entries of one session: turns, and in them prompts, model requests, messages and
// calls. A call shows what was asked, who decided it and why, the review, what confined it, what was refused to it, what it
// changed and how it ended. [Write] prints that as text; replay/web shows the same as a page.
// [Printer] prints entries one a line as they come, which also serves a filter by kind. [JSON] is the stable
// form for programs, [Summarize] one line of a list of sessions, [Explain] the answer to
// "why was this call allowed or refused", from its events alone.
//
// # Guarantees
//
// Pure: what is shown depends on the entries and the options only; there is no clock and no I/O but the writer's.
//
// Safe to look at: every recorded text goes through [Escape] before it reaches a writer, so that no escape
// sequence, control character, bidi override or invisible character of a model or workspace acts on a terminal.
// Every text is cut to a bound, and the cut is marked with … and, for whole lines, their number.
//
// Complete: entries of kinds that this program does not know appear by name; content that was erased or is
// not available appears as ‹sealed, N bytes›.
//
// # JSON
//
// One object for an entry, members in this order: seq (position in the ledger, from 0), session_seq (from 1), id, kind,
// session, turn, call, time (RFC 3339, microseconds, the producer's clock), received (the ledger's clock), actor, cause,
// leaf (RFC 6962 leaf hash, hex), payload. turn, call and cause are left out when empty. The members of payload are those of
// doc/events.md. A sensitive text is a string when its content is available and {"sealed": commitment, "bytes":
// length} otherwise, or always when redacting; bytes that are no UTF-8 are {"base64": ...}. An entry of a kind that is not known
// has its stored form in raw instead of time, actor and payload. Characters that could act on a terminal are written as \u escapes.
// Members may be added; none is removed or changes its meaning.
//
// # Limits
//
// Build holds the entries it is given in memory and shows at most 20 denials and 12 lines of a block for each call unless Options.Full is set.
// It does not verify anything (ledger does) and does not decide again (what-if is a later issue).
package replay
