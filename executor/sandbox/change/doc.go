// Package change finds out what a command did to files, from the calls that it was let make.
//
// A [Recorder] is told, before each allowed call, which path is about to be created, written, renamed or removed
// ([Recorder.Note], [Recorder.Rename]), and what stands there. After the command has ended, [Recorder.Settle] compares that with
// what is there now, and returns one [sandbox.Change] for each path that is different: files made and removed in between
// are dropped, a file that was replaced is modified, one that moved is renamed.
//
// Bounds: [MaxPaths] paths, further ones are counted; digests of files up to [MaxHash] bytes each and [MaxHashTotal]
// together, larger ones have their size only. Only regular files and symlinks below the roots are looked at, and renamed
// directories. Digests of what stood there before are computed while the command waits, so only of the first files that are
// not new ([MaxBefore] bytes each, [MaxBeforeTotal] together); they are missing when something else was there first.
//
// A Recorder belongs to one goroutine at a time. What it is told comes from the memory of another process, so a program with
// several threads can hide a write from it; it decides nothing.
package change
