// Package steps builds executables of a few kilobytes that make a fixed list of system calls and decide nothing.
//
// The sandbox needs a process that sets up namespaces, becomes the first process in them and starts the command there.
// Written in Go it would be this program once more: tens of milliseconds and megabytes for each command before the first
// line runs. A fork without exec is no way out: each page that either side writes afterwards is copied, and the
// child keeps all that the parent had in memory. So the parent, which knows everything beforehand, compiles the work
// into a list of calls with their arguments and gives it to a machine of some twenty instructions (machine_*.s).
//
// Start with [New], put data in with [Program.String] and its like, calls with [Program.Add], and start what
// [Program.File] returns. The machine does one step after the other: it makes the call, stores the result where the
// step says, and goes on at one of three steps, depending on the result alone. Loops, forks and error reports are made of that;
// a step that needs an earlier result (a process id, a descriptor) gets it stored into its own argument.
//
// The machine has no stack, no signal handlers and no memory but the image, so it may share that memory with a child
// that it starts with CLONE_VM and CLONE_VFORK.
package steps
