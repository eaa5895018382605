// Package reconcile compares what several sources tell of one thread of the Codex CLI: our executor, which ran its commands, and Codex itself, by its hooks,
// its telemetry, the output of `codex exec --json` and its rollout file. [Read] makes the calls of one session, [Compare] puts those of one thread
// side by side. Both are pure.
//
// # Which calls are the same
//
// By call id where both have one. The output of exec has none, and hooks in code mode have others: those calls are joined by what they do, in order. What a command does is
// its script without the shells around it, what a patch does the names of its files. The executor gets the writes of a patch one by one, without the call: they
// belong to the patch that names the file.
//
// # Verdicts
//
//   - extra: Codex tells that a command or patch was carried out, and our executor did not see it.
//   - drift: two sources contradict each other: another command, another exit status, carried out against refused, completed against failed.
//   - missing: a source that is there, and tells of such calls, does not tell of this one; or a file that our executor changed is in no patch.
//   - match: none of these.
//
// Who must tell of a call is the table in tells. A source without any session is not asked. What was erased, cut or masked is not compared.
package reconcile
