// Package seatbelt writes the profile with which macOS confines a command: filesystem.Plan to the text that
// /usr/bin/sandbox-exec -p takes (SBPL).
//
// Start with [Profile]. It is pure and deterministic, so that a reviewer can read what will hold (testdata/*.sb). The
// last rule that matches decides there, so rules come parents first and at equal depth refusing last: that is the
// deepest-rule-wins of filesystem.Plan. Directories above a protected path, up to the writable root, cannot be renamed or
// removed. Names that are protected but missing are closed in every spelling, because the usual macOS file system does not
// tell upper and lower case apart.
//
// It does not run anything, does not look at the disk, and refuses paths with control characters with
// sandbox.ErrUnsupported. Nothing of it was run on macOS yet; see doc/compatibility.md.
package seatbelt
