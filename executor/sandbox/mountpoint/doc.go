// Package mountpoint makes the placeholders that a bind mount needs where a protected name is missing, and makes sure that
// none of them stays on the host.
//
// A mount can only be placed on something that exists, so a missing .codex in a writable root needs a real, empty
// directory for the time of the run. A missing .git gets a socket that nobody listens on: an empty directory would be taken
// for a repository by go build and others, and a file for a broken pointer to one by git. (An overlay of the root would need no directory, but its work directory must
// lie on the same file system, changes made meanwhile outside are undefined, and renames leave marks; removing the
// placeholder right after mounting would remove the mount with it.)
//
// Start with [Open]. [Registry.Hold] makes the placeholders and returns a [Hold]; [Hold.Release] removes them.
// Each of them is listed in the registry directory before it is made, and every user keeps a shared flock(2) on
// that list entry. The kernel drops the locks of a killed process, so [Registry.Sweep] can tell leftovers from
// placeholders in use; Open sweeps, and [Main] is a sweeper in a process of its own that [Guard] has ready
// and that outlives a killed proctor just long enough to sweep.
//
// Guarantees: only listed paths are ever removed, and only while an empty directory (for .git: a socket) of this user
// without write permission, as this package makes them, stands there; what another running command uses is not. Safe for
// concurrent use by goroutines and by processes of one user that share the registry directory. Prepare keeps the
// registry read-only for confined commands even inside a writable root.
//
// Not covered: two users who share a writable root (/tmp) do not see each other's locks; the second sees
// something that exists, protects it as such, and loses that protection when the first ends.
package mountpoint
