// Package bwrap confines with bubblewrap (bwrap), which must be installed; version 0.8.0 is the oldest tested.
//
// Start with [New]. Each command costs one bwrap execution: user, PID, IPC and, with the network off, network
// namespaces; the whole tree read-only; the plan's writable roots and protections on top; private /dev; a fresh,
// read-only /proc (a writable one would give root the host's sysctls); no capabilities; a seccomp filter.
//
// All options, the environment included, go to bwrap through a memory file: nothing of them shows in the process
// list, and variables such as LD_PRELOAD act on the command only, never on bwrap itself.
//
// A failure of bwrap is told from the command's own status by bwrap's status messages: without an exit code there,
// the command never ran (sandbox.ErrSetup). Supervised, Start returns when bwrap's work is done; a set-user-ID
// bwrap cannot be supervised and the result says so (DenialsExact).
//
// Limits: a protected symlink (a .codex that is a link) cannot be kept from being replaced by path-based mounts;
// such plans are refused with sandbox.ErrUnsupported and go to the native backend. A command that a signal ended is
// reported as 128 plus the signal, as bwrap does, without Result.Signal.
//
// BUG(bwrap): sources are given by path. While one command runs under an older plan, it could replace a directory
// inside its writable roots that a newer plan adds as a root of its own by a symlink, just before bwrap binds it.
// Roots of the same plan are mount points and cannot be replaced.
package bwrap
