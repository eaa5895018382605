// Package process starts one child process for a sandbox backend and carries it to its end: streams or a terminal,
// supervision of refused calls, cancelling, exit status, clean-up.
//
// A backend calls [Start] with [Options]; Build makes the command line once it is known whether the child will be
// supervised. The result implements sandbox.Process.
//
// Threads. The child is started and waited for on one locked OS thread that ends with it: the seccomp filter is
// installed on that thread only, and the kernel sends the parent-death signal when the starting thread ends. The
// filter must not stop any call that the Go runtime makes between fork and exec, because the forking thread holds
// the scheduler then; seccomp's table contains none.
//
// Order: output begins to flow when the backend's set-up is known to be done, so that an error message of the
// launcher does not pass for output of the command. Wait returns after the last output and the last denial.
package process
