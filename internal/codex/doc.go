// Package codex speaks with the real Codex CLI. So far it reads one thing: the output of `codex exec --json`
// (reference/codex-exec-jsonl.md), which [Import] turns into events.
//
// # Reported, not observed
//
// What Codex prints is its own word; nothing of ours saw it happen. Every draft is marked so: its actor is event.System, its
// turn id begins with [Mark] and so does its call id where it has one. Payloads with a fitting field say it too:
// originator, agent.type and agent_name are [Source].
//
// A field is filled only from the source. The source has no time, no duration, no model, no decision, no verdict and no
// digest, so those stay empty; a zero duration_ms and success=false without an exit code mean unknown. Three things are
// derived, from nothing but the same file: the call count and last message of a turn, and the status of an item
// that was started and never ended: running when its turn completed, interrupted otherwise.
//
// # Guarantees
//
//   - Order is that of the lines. One line is read at a time; emit is called before the next one is read.
//   - Strict in size: a line above MaxLine, or more lines than Options.MaxLines, ends the import with an error. Texts above
//     1 MiB are cut, marked where the payload can say so, and counted.
//   - Lenient in content: lines and items of unknown type, and lines that are no JSON object or of the wrong shape, are
//     counted in the [Summary] and passed over. A last line without its newline that does not parse is a cut one, as a killed
//     process leaves it.
//   - Duplicate keys: the last one counts, except that the first `id` of an item names it; the live CLI prints two for web_search.
//     Keys of lines and items are compared exactly, unlike encoding/json.
//
// # What it does not do
//
// It does not record (the caller's stream does), detect that a file was imported before, or read rollout files. Exec-server, hook
// and OTLP intake are not built yet. An interrupted turn gets no turn_completed, because the source has none; see Summary.OpenTurns.
package codex
