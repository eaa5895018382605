// Package native confines with the kernel's namespaces directly, without bubblewrap.
//
// The binary runs itself once more as a helper that is born inside new user, mount, PID, IPC and (network off)
// network namespaces, builds the view of the plan there, gives up every capability, installs the seccomp filters,
// starts the command and stays as its PID 1. For that [Main] must be the first call in main and in TestMain.
//
// Start with [New]. What the helper does comes on an inherited descriptor; nothing of it, the environment included,
// shows in the process list. The helper reports over a socket pair: the listener for exact denials, a set-up error
// (sandbox.ErrSetup, nothing was run), the start, and the end of the command.
//
// Unlike bwrap it can pin a protected symlink in place and reports the signal that ended a command. It costs one
// start of the binary per command. It needs Linux 5.12 (mount_setattr) and unprivileged user namespaces.
package native
