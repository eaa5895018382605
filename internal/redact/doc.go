// Package redact decides what of an event may leave the machine. Exporters see
// events only through a [View]; nothing else calls [event.Sensitive.Reveal] in
// order to export (invariant I4).
//
// Build a [Policy] once with [New] and call [Policy.View] for each event. A
// Policy is immutable and safe for concurrent use; View does no I/O.
//
// Every sensitive field has a class (table in class.go); a field without an entry
// there stays in the ledger. The classes:
//
//	kept       never leaves: facts, plans, settings, stream deltas, history
//	prompt     [REDACTED] unless LogUserPrompt
//	answer     [REDACTED] unless LogAgentResponses
//	rationale  [REDACTED] unless LogGuardianAssessments
//	tool       arguments, commands, patches, typed input
//	output     as tool, and cut at MaxOutput bytes
//	plain      error texts and folders
//
// Tool arguments and outputs. The CLI exports them in clear; its security page
// says to treat them as sensitive. The default keeps existing dashboards working:
// they are exported with secrets masked. DropToolContent replaces them whole.
// Masking knows the shapes of secrets and cannot know every secret: where that is
// not enough, drop.
//
// Whatever leaves, open gate or not, passes the masker: private keys, credentials
// in URLs and headers, key=value secrets, tokens with known prefixes. So do the
// public text fields, because error messages quote requests. A masked span reads
// [MASKED:rule].
//
// Each removal leaves a [Receipt]: field, rule, bytes removed, and a keyed
// fingerprint, with which the holder of the key can tell that two removed texts
// are equal without storing them.
//
// Bounds: texts are scanned up to 1 MiB and leave with at most 64 KiB (output:
// MaxOutput); the cut is marked and has a receipt. Patterns are RE2, linear in
// the text.
//
// Not done here: streaming, entropy rules, rule files of users.
package redact
