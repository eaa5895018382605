//go:build linux

package bwrap

import (
	"fmt"
	"slices"
	"strings"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/view"
	"proctor/policy/filesystem"
)

// Descriptors that bwrap gets: 3 is the first of process.Command.Extra.
const (
	fdArgs    = "3"
	fdSeccomp = "4"
	fdStatus  = "5"
	fdBlock   = "6"
)

// arguments are bwrap's options for one command, the environment included, without the command itself. Pure.
// hidden is a file that nobody may read, shown in place of denied files.
func arguments(s sandbox.Spec, ops []view.Op, hidden string) ([]string, error) {
	ops = view.Reach(ops, s.Dir)
	args := []string{"--unshare-user", "--unshare-pid", "--unshare-ipc"}
	if s.Plan.Network != filesystem.NetworkOn {
		args = append(args, "--unshare-net")
	}
	args = append(args, "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--seccomp", fdSeccomp, "--json-status-fd", fdStatus)
	base := []string{"--ro-bind", "/", "/"}
	if len(ops) > 0 && ops[0].Path == "/" {
		switch ops[0].Kind {
		case view.Veil:
			base = []string{"--tmpfs", "/"}
		case view.Pin, view.Writable:
			base[0] = "--bind"
		default:
		}
		ops = ops[1:]
	}
	args = append(append(args, base...), "--dev", "/dev", "--proc", "/proc", "--remount-ro", "/proc")
	for _, op := range ops {
		if err := view.Mountable(op.Path); err != nil {
			return nil, fmt.Errorf("%w: %w", sandbox.ErrUnsupported, err)
		}
		switch op.Kind {
		case view.Pin, view.Writable:
			args = append(args, "--bind", op.Path, op.Path)
		case view.ReadOnly, view.Placeholder:
			args = append(args, "--ro-bind", op.Path, op.Path)
		case view.HideDir:
			args = append(args, "--perms", "000", "--tmpfs", op.Path, "--remount-ro", op.Path)
		case view.HideFile:
			args = append(args, "--ro-bind", hidden, op.Path)
		case view.Veil:
			args = append(args, "--perms", "0111", "--tmpfs", op.Path)
		case view.Seal:
			args = append(args, "--remount-ro", op.Path)
		case view.Link:
			args = append(args, "--symlink", op.Target, op.Path)
		case view.Folder:
			args = append(args, "--perms", "0555", "--dir", op.Path)
		case view.PinLink:
			return nil, fmt.Errorf("%w: bwrap cannot keep the symlink %s from being replaced", sandbox.ErrUnsupported, op.Path)
		default:
			return nil, fmt.Errorf("%w: unknown mount kind %d for %s, please report this", sandbox.ErrUnsupported, op.Kind, op.Path)
		}
	}
	args = append(args, "--chdir", s.Dir)
	return append(args, environment(s)...), nil
}

func environment(s sandbox.Spec) []string {
	var out []string
	for _, v := range sandbox.Announced(s, sandbox.ProxyAddr) {
		if name, value, ok := strings.Cut(v, "="); ok && name != "" {
			out = append(out, "--setenv", name, value)
		}
	}
	return out
}

// command is what bwrap executes. bwrap's init is the leader of the new session, so with a terminal setsid (util-linux
// or busybox) makes one more and the terminal its controlling one: Ctrl-C then reaches the command and not bwrap, which
// would end everything.
func command(s sandbox.Spec, setsid string) ([]string, error) {
	words := slices.Clone(s.Argv)
	if s.Plan.Network == filesystem.NetworkProxied { // the inlet executes it, and has no PATH
		path, err := sandbox.LookPath(s)
		if err != nil {
			return nil, err
		}
		words[0] = path
	}
	if s.TTY {
		words = append([]string{setsid, "-c", "--"}, words...)
	}
	return words, nil
}
