// Package codex reads what the real Codex CLI leaves in files (reference: doc/codex.md): the output of `codex exec --json` and rollout files.
// [Import] turns them into events; packages below speak with a running CLI.
//
// # Reported, not observed
//
// What Codex writes is its own word; nothing of ours saw it happen. Every [Report] is marked so: its turn id begins with [Mark] and so does its call
// id where it has one. Payloads with a fitting field say it too: originator, agent.type and agent_name are [StreamSource] or [RolloutSource].
//
// A field is filled only from the source. The output of exec has no time, no duration, no model, no decision, no verdict and no
// digest, so those stay empty, and the time of all events is that of the thread, as its id tells. A rollout has times, call ids and settings, but neither
// decisions nor denials: a call that Codex made no item of has a result without status, with the text that the model was given. A zero duration_ms and
// success=false without an exit code mean unknown. Three things are derived, from nothing but the same file: the call count and last message of a turn,
// and the status of a call that was started and never ended: running when its turn completed, interrupted otherwise. Its agent_name ends with [Unended].
//
// # Guarantees
//
//   - Order is that of the lines. One line is read at a time; emit is called before the next one is read.
//   - The id of an event is made of its session and all lines up to its own: a source with the same beginning gives the same ids, one with another line
//     before gives others. A derived event has an id of the whole source.
//   - Strict in size: a line above MaxLine, or more than Options allow, ends the import with an error. Decompression takes at most 64 MiB of memory. Texts above
//     1 MiB are cut, marked where the payload can say so, and counted.
//   - Lenient in content: lines and items of unknown type, and lines that are no JSON object or of the wrong shape, are
//     counted in the [Summary] and passed over. A last line without its newline that does not parse is a cut one, as a killed
//     process leaves it. A source without any line of Codex is [ErrNoSource].
//   - Duplicate keys: the last one counts, except that the first `id` of an item names it; the live CLI prints two for web_search.
//     Keys of lines and items are compared exactly, unlike encoding/json.
//
// # What it does not do
//
// It does not record, and does not know what was imported before: who calls it does both. An interrupted turn of `codex exec --json` gets no turn_completed, because the
// source has none; see Summary.OpenTurns. The instructions, tools and token counts of single responses that a rollout repeats are left out.
package codex
