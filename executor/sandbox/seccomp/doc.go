// Package seccomp holds the table of system calls that a confined process may not make or that are worth watching,
// and assembles it into seccomp filter programs.
//
// Three programs come from the one table [Calls]:
//
//   - [Enforce]: every refused call fails with EPERM. Used when nobody supervises.
//   - [Notify]: refused calls worth recording and watched calls stop until a supervisor answers. The supervisor
//     must answer EPERM to every call of class [Refused] and may continue those of class [Watched].
//   - [Quiet]: the rest of Enforce, for use together with Notify. (The kernel prefers an errno to a
//     notification, so a call must be in one of the two only.)
//
// Every program begins by refusing other architectures (i386 calls on x86-64, x32) with ENOSYS, so 32-bit programs
// do not run confined. clone3 fails with ENOSYS as well, because its flags lie in memory that a filter cannot see;
// C libraries fall back to clone.
//
// Programs are values without state and safe for concurrent use. Only architectures that
// github.com/elastic/go-seccomp-bpf knows are supported.
package seccomp
