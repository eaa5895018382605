// Package denial records the system calls that a plan refuses, exactly as a confined process made them.
//
// A seccomp filter (seccomp.Notify) stops the calls that could be refused; a [Supervisor] looks at each, reports
// it when the plan says no, and answers. Start with [Install] on a locked thread that then starts the process (the
// filter is inherited), give the listener to [New] and call [Supervisor.Run].
//
// Soundness. Enforcement does not rest on what is read here. Watched calls are always continued: mounts and
// capabilities decide them, so a path that changes after it was read cannot open anything, only be recorded wrongly.
// Refused calls are decided by the filter from registers and always answered with EPERM, whatever the memory holds.
// When the supervisor is gone the kernel answers ENOSYS: nothing gets through for want of a supervisor.
//
// With Options.Connect (a transparent proxy) connects to addresses that the network namespace does not have are not continued
// but carried out on the caller's own socket, which was taken by its descriptor when the address was read.
//
// With an [Actor] (the landlock backend) watched calls are not continued but carried out by it, on its own copies of the
// arguments.
//
// With Setup, calls before the first prctl(PR_SET_SECCOMP) belong to bubblewrap's own work and are continued
// without a look: bubblewrap makes that call after its last mount and before the command, and nothing of the command
// has run by then.
//
// Bounds: at most [Limit] denials are reported per process tree, the rest is counted; paths are cut at 4096 bytes,
// program names at 255. A path or address is read while the caller waits; one that cannot be read is reported empty.
// Errors that the kernel gives before the plan matters (no such file, exists already) are not denials.
//
// Reports come from one goroutine, before the call is answered: a slow receiver holds the process back.
package denial
