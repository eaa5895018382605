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
// # What if
//
// [WhatIf] decides recorded decisions again, under another configuration, and tells which flip. A decision flips when policy's
// answer (allow, prompt, forbid) or its leaving of the sandbox differs; what a reviewer said to a prompt is no part of it.
//
// Kept as recorded, since no configuration decides it: the action (argument vector, canonical paths of patch targets, arguments),
// whether a command asked to leave the sandbox and said why, the hints of a tool, what runs on the other end of write_stdin, the
// permissions and approvals a person had given in the session.
//
// Made again from the recorded action: approval policy, sandbox mode, reviewer; rule matches; command classes and inner
// commands, by this version of the parser; the writable roots, and by them the sorting of patch targets; hidden paths.
//
// Unknown, and counted as such: decisions whose content was erased; calls refused before policy saw them for what configuration
// may decide (an unknown tool, a call too large to record); sessions that do not say how they were launched (recorded by
// an older version) or whose configuration does not load now; patch targets when another sandbox was asked for in a folder that
// is gone; requests for permissions, tools of servers and typed input when the policy is another one, as their facts came from
// parts that do not run now; decisions that this version makes otherwise from the very same facts.
//
// # Limits
//
// Build holds the entries it is given in memory and shows at most 20 denials and 12 lines of a block for each call unless Options.Full is set.
// It does not verify anything: ledger does.
package replay
