// Package shell runs commands: the tools exec_command and write_stdin.
//
// A [Manager] owns the processes of one session. exec_command starts a command through
// the user's shell and waits for a while; a command that takes longer goes on in the background under a
// session id, which write_stdin uses to send input or to wait again. Each write_stdin is
// an action of its own, so that input is decided and recorded before it is sent.
//
// What the model reads are the heading lines and the cut that it knows from Codex. Output since the
// last answer is given once; Result.Aggregated has all of it.
//
// Guarantees:
//   - The argument vector of the action is what is started; only shells from the system's folders are used.
//   - A process outlives its call only under a session id, and never its Manager: Close kills all of them,
//     and returns when every Observer.Ended was delivered.
//   - Cancelling the context of a call kills the command it started; it does not kill commands of earlier calls.
//   - Output reaches the observer of the call that started the process, each stream in its order (the two of a command
//     without a terminal may be mixed otherwise than they were written); a slow observer holds the process back.
//
// Bounds: [Options.MaxRunning] processes; output as in package tool; waits as in wait.go.
//
// A command that only feeds a heredoc to apply_patch becomes a patch proposal (intercept.go): there is no such program.
// The package confines nothing, the backend of the grant does.
package shell
