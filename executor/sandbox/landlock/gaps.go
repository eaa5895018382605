//go:build linux

package landlock

import "proctor/policy/filesystem"

// Gaps says in what this backend guarantees less than namespaces do, whatever the plan. Each is one short sentence that
// stays the same, so that it can be looked for in a record.
func Gaps(abi int) []string {
	out := []string{
		"host processes and their command lines can be listed",
		"names, sizes and dates of hidden files can be asked for",
		"folders above a hidden one cannot be listed",
		"no private /dev/shm, System V IPC or message queues; programs that open a terminal of their own fail",
		"Unix sockets cannot be bound to a path",
	}
	if abi < abiScope {
		out = append(out, "signals are held back by the supervisor and not by the kernel (Linux 6.12)")
	}
	if abi < abiIoctl {
		out = append(out, "device controls are not restricted on the devices every program may open (Linux 6.10)")
	}
	return out
}

// refused says why a plan cannot be enforced here, or "".
func refused(p filesystem.Plan, abi int, watched bool) string {
	switch {
	case p.Unconfined:
		return "landlock does not run unconfined plans"
	case abi < 1:
		return "this kernel has no Landlock, or it is not enabled (lsm=landlock,...)"
	case p.Network != filesystem.NetworkOff && p.Network != filesystem.NetworkOn:
		return "network mode " + string(p.Network) + " needs a network namespace, which Landlock has not; use the native or bwrap backend, or switch off the network of commands"
	case len(p.Writable) > 0 && !watched:
		return "writable folders need seccomp user notification, which is off or not allowed here"
	case !watched && abi < abiScope:
		return "without seccomp user notification, signals to other processes are held back only from Linux 6.12 on"
	}
	return ""
}
