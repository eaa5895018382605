// Package redact takes secrets out of events: before they are recorded ([Capture]), and before they leave the machine ([Policy]).
// Exporters see events only through a [View]; nothing else calls [event.Sensitive.Reveal] in order to export (invariant I4).
// doc/redaction.md says what people need to know of it.
//
// The engine is a set of [Rules]: those of rules.conf, of files, and values that are known to be secret. One pass of an
// automaton finds the keywords of all rules; a pattern (RE2) is tried in a window behind its keyword, and checks refuse what
// only looks like a secret. What is found does not depend on how a text is cut into pieces: [Stream] gives what [Rules.Mask] does,
// and holds back at most 64 KiB. A masked span reads [MASKED:rule]; texts that are JSON stay JSON.
//
// Build a [Policy] once with [New] and call [Policy.View] for each event. Rules, Policy and Capture are safe for concurrent use
// and do no I/O. Every sensitive field has a class (table in class.go); a field without an entry there stays in the ledger:
//
//	kept       never leaves, but at level Full: facts, plans, settings, stream deltas, history
//	prompt     [REDACTED] unless LogUserPrompt
//	answer     [REDACTED] unless LogAgentResponses
//	rationale  [REDACTED] unless LogGuardianAssessments
//	tool       arguments, commands, patches, typed input
//	output     as tool, and cut at MaxOutput bytes
//	plain      error texts and folders
//
// Tool arguments and outputs. The CLI exports them in clear; its security page says to treat them as sensitive. The default
// keeps existing dashboards working: they are exported with secrets masked. DropToolContent replaces them whole. Masking knows
// the shapes of secrets and cannot know every secret: where that is not enough, drop, or choose MetadataOnly.
//
// Each removal leaves a [Receipt]: field, rule, bytes removed, and a keyed fingerprint, with which the holder of the key can
// tell that two removed texts are equal without storing them.
//
// Bounds: texts that leave are scanned up to 1 MiB and leave with at most 64 KiB (output: MaxOutput); the cut is marked and has
// a receipt. An event has at most 32 receipts.
package redact
