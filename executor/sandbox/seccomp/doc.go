// Package seccomp holds the table of system calls that a confined process may not make or that are worth watching,
// and assembles it into seccomp filter programs.
//
// There is one table, [Calls], with three network modes: off, proxied (TCP and UDP to the proxy in a network namespace of
// its own) and on. Three programs come from it for each:
//
//   - [Enforce]: every refused call fails with EPERM, and what a filter cannot judge (openat2, clone3, memfd_create without
//     a seal) with ENOSYS, so that programs fall back. Used when nobody supervises.
//   - [Notify]: calls worth recording or judging stop until a supervisor answers. The supervisor must answer EPERM to every
//     call whose row is [Refused] and ENOSYS to a [Dated] one, may continue those of class [Watched] and [Limited], and must
//     not continue a [Sealed] one.
//   - [Quiet]: the rest of Enforce, for use together with Notify. (The kernel prefers an errno to a
//     notification, so a call must be in one of the two only.)
//
// The first row that matches decides; [Call.Match] finds it again in the supervisor, from the registers.
//
// Every program begins by refusing other architectures (i386 calls on x86-64, x32) with ENOSYS, so 32-bit programs
// do not run confined. clone3 fails with ENOSYS as well, because its flags lie in memory that a filter cannot see;
// C libraries fall back to clone.
//
// Programs are values without state and safe for concurrent use. Only amd64 and
// arm64 are supported.
package seccomp
