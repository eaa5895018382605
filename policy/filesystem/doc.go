// Package filesystem turns a sandbox mode or a permission profile, with a person's
// settings, into a Plan: which paths a confined process may write, which stay
// read-only inside the writable ones, which may not be read, and whether the
// network is open.
//
// Start with a [Request]. Its [Request.Rules] name the paths whose facts are needed,
// the caller gathers [Facts] about them (executor/sandbox does), and [Resolve]
// returns the [Plan]. A plan is plain JSON data: it is recorded before a command
// runs, applied by a sandbox backend, and asked again by [Plan.CheckWrite] and
// [Plan.CheckRead] for patches and for naming the rule of a denial. [Plan.Globs] are
// the denied patterns, for what is made later.
//
// The most specific path wins; at the same path deny beats write, and that read. The
// modes are profiles with fixed entries. Protected names are a default that a rule about
// the same path replaces; what is managed, or ours, nothing opens.
//
// Guarantees: every function is pure, deterministic and safe for concurrent use;
// nothing here reads the disk, a clock or the environment. Paths of a plan are canonical
// and sorted, in whatever order the entries came. A further denial never allows more.
// Unknown modes are refused. A plan never holds more than [MaxRoots] roots, [MaxDenied]
// denied paths and [MaxGlobs] patterns, and says in Skipped what a bound left out.
//
// It does not resolve symlinks and does not enforce anything.
package filesystem
