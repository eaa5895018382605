// Package front joins the two files of a build: the front, proctor, which is small and starts fast, and the whole
// program, proctor-full, beside it.
//
// The front serves what keeps no record by itself and calls [HandOver] for the rest: the whole program takes its place in
// the same process, so that pid, streams, signals, folder and arguments stay. It is looked for in the folder that holds the file
// of the running front, symlinks followed, and nowhere else: PATH and the working folder may belong to somebody else.
//
// The whole program calls [Accept] first, which refuses a front of another build: two versions would decide differently
// under one name. Called by itself, without a front, it is complete.
package front
