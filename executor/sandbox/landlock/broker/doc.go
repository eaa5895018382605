// Package broker carries out, for a confined process, the file system calls that its plan allows.
//
// Landlock can only grant rights on what exists, and never less below a granted directory. So the landlock backend
// grants no right to change anything: every call that would change a file stops at a seccomp notification, and a
// [Broker] answers it. It copies the arguments once, walks the path itself descriptor by descriptor, asks the plan
// about the canonical path, acts on the descriptors it holds, and hands the result (or the opened file) to the caller.
//
// Soundness. The caller's memory is read once and never again: a path swapped afterwards changes nothing. What the
// broker does not decide is continued, and then Landlock refuses every change; calls that Landlock does not see
// (chmod, chown, utime, setxattr, truncate by name on old kernels) are never continued. Directories move only through
// the broker, one call at a time, so a confined process cannot move what is being decided about. Another process of
// the same user that is not confined could.
//
// The broker must run without capabilities, with umask 0, in the mount namespace of the command, and as the same user.
//
// Start with [New], then call [Broker.Act] for each stopped call, from one goroutine. It is Linux only.
//
// What it does not do: make devices, unnamed files (O_TMPFILE fails with EOPNOTSUPP, programs fall back), set-user-ID or
// set-group-ID files; follow another process's descriptors through /proc; open a named pipe that was there before.
package broker
