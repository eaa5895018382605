// Package filesystem turns a sandbox mode and a person's settings into a Plan:
// which paths a confined process may write, which stay read-only inside the
// writable ones, which may not be read, and whether the network is open.
//
// Start with a [Request]. [Candidates] names the roots whose facts are needed,
// the caller gathers [Facts] about them (executor/sandbox does), and [Resolve]
// returns the [Plan]. A plan is plain JSON data: it is recorded before a command
// runs, applied by a sandbox backend, and asked again by [Plan.CheckWrite] and
// [Plan.CheckRead] for patches and for naming the rule of a denial.
//
// Guarantees: every function is pure, deterministic and safe for concurrent use;
// nothing here reads the disk, a clock or the environment. Roots and protected
// paths of a plan are canonical and sorted. Unknown modes are refused. A plan
// never holds more than [MaxRoots] roots and [MaxDenied] denied paths.
//
// It does not resolve symlinks, does not enforce anything, and does not yet read
// named permission profiles; the data model (Readable, DeniedReads) is ready for them.
package filesystem
