// Package landlock is the place of a backend for machines without user namespaces. It refuses every plan for now.
//
// What Landlock (ABI 7) can and cannot do decides what it may ever accept: it does not see chmod, chown, utime and
// setxattr; it cannot take rights away below a directory that was granted, so nothing inside a writable root can be
// protected, neither an existing .git nor a missing one; and without a PID namespace a command that leaves its
// session survives a killed supervisor. A workspace-write plan can therefore not be enforced, and running one weaker
// than it says is not an option. Read-only plans could be, with the metadata calls refused by seccomp; that is not
// built yet.
package landlock
