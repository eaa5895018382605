// Package install writes proctor into the configuration of the Codex CLI and takes it out again. [Plan] is pure: from what the files hold it
// makes what they should hold; [Apply] and [Undo] do it.
//
// What stood there is kept in [Record] beside the files, so that what nobody changed meanwhile comes back byte for byte; out of a file that was
// changed only what is ours is taken. Planning twice changes nothing.
//
// Hooks are appended behind those of others, whose places, and so whose trust, stay. Each hook of ours is trusted by the hash that
// Codex compares (executor/hook).
package install
