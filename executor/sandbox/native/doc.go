// Package native confines with the kernel's namespaces directly, without bubblewrap.
//
// Everything is decided before the first process exists: [compile] turns plan and command into a list of system calls,
// and package steps makes a tiny executable of it. Three processes come of that. The launcher enters new user, mount, PID,
// IPC and (network off) network namespaces, maps the user to himself, starts the init as a child of this process and is
// gone. The init builds the view, gives up every capability, starts the command, stays as PID 1, and reports how the
// command ended. The command's process installs the seccomp filters on itself alone and executes the command.
//
// Start with [New]. What is to be done comes in a memory file; nothing of it, the environment included, shows in the
// process list. The processes report over a socket pair (see packet.go): the init's process id, the listener for exact
// denials, the start, a set-up error (sandbox.ErrSetup, nothing was run), and the end of the command.
//
// Unlike bwrap it can pin a protected symlink in place and reports the signal that ended a command. It needs Linux 5.12
// (mount_setattr), unprivileged user namespaces and, on amd64 and arm64 only, leave to execute a memory file.
package native
