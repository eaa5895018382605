// Package view turns a plan into the ordered list of mounts that show exactly what the plan allows, for any
// backend that works with mounts. It is pure and deterministic.
//
// Start with [Ops]. The whole tree is meant to be read-only already; the list says what changes on top of that,
// parents before children, so a backend applies it from first to last. The deepest rule wins, as in
// filesystem.Plan.CheckWrite; at equal depth denying wins over read-only, and that over writable.
//
// Between a writable root and something that must keep its place below it (another root, a protected path) every
// directory on the way becomes a mount of its own ([Pin]): a mount point cannot be renamed, so the protected path
// cannot be moved aside and replaced by a copy.
//
// Plans with restricted reads (ReadAll false) are not translated: [Ops] reports [ErrRestrictedReads].
package view
