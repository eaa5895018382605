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
// A hidden folder with something opened below is a [Veil]: an empty tree into which the rest is laid. So is the root when not
// everything may be read. What is only to be hidden, or a name of a shared file, needs no pins: its mount moves with it.
package view
