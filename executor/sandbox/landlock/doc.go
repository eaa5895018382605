// Package landlock confines commands where namespaces are not allowed, as inside most containers. It enforces
// read-only and workspace-write plans by Landlock (Linux 5.13, any ABI), seccomp and ptrace.
//
// Start with [New]. Three processes take part: this one, a supervisor, and the command, which was a second helper until
// it confined itself and executed the command.
//
//   - Reading. Landlock grants what the plan lets be read. It cannot take rights away below a granted folder, so beside a
//     hidden path everything else is granted one by one (cover.go).
//   - Changing. Landlock grants no right to change anything but a few devices. Every call that would is stopped by seccomp
//     and carried out by the broker, in the supervisor, when the plan allows it. So protected names, missing ones too, are
//     as safe as on the other backends, and what Landlock does not see (chmod, chown, utime, setxattr) is closed.
//   - Network, privileges. The same seccomp table as on the other backends; with the network off also Landlock's TCP rules
//     (ABI 4). What would change files in ways that are not known here (system calls newer than the table, inode
//     flags) fails.
//   - Life. The supervisor holds every process of the command by ptrace with PTRACE_O_EXITKILL: the kernel attaches it to
//     children as they are born and kills all of them when the supervisor ends, in whatever way; the supervisor dies
//     with this process. It also adopts orphans.
//   - Other processes. Signals stay inside by Landlock's scope (ABI 6) and by the supervisor; Landlock keeps memory,
//     environment and descriptors of other processes from being read.
//
// What it guarantees less is in [Gaps]; `proctor doctor` shows it and each start records it. Plans that need more are
// refused with sandbox.ErrUnsupported: a network mode that needs a network namespace, writable folders without seccomp
// user notification, a hidden path among more than 65,536 files.
package landlock
