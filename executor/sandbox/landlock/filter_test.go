//go:build linux

package landlock

import (
	"encoding/binary"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"proctor/executor/sandbox/landlock/broker"
	"proctor/executor/sandbox/seccomp"
	"proctor/policy/filesystem"
)

// run gives the verdict of a program about a call. The machine of golang.org/x/net/bpf loads in network order, the kernel in the
// machine's, so each word is stored the other way round.
func run(t *testing.T, p []bpf.Instruction, number uint32, args ...uint64) uint32 {
	t.Helper()
	vm, err := bpf.NewVM(append(p, bpf.RetConstant{Val: retAllow}))
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 64)
	binary.BigEndian.PutUint32(data, number)
	for i, a := range args {
		binary.BigEndian.PutUint32(data[argsAt+8*i:], uint32(a))
		binary.BigEndian.PutUint32(data[argsAt+8*i+4:], uint32(a>>32))
	}
	got, err := vm.Run(data)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(got)
}

func TestClosingProgram(t *testing.T) {
	t.Parallel()
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("missing capability: a little-endian machine, for the layout of arguments here")
	}
	p := program(closed(), true)
	const high = 1 << 32
	for name, c := range map[string]struct {
		number uint32
		args   []uint64
		want   uint32
	}{
		"read":                      {unix.SYS_READ, nil, retAllow},
		"plain clone":               {unix.SYS_CLONE, []uint64{unix.CLONE_VM | unix.CLONE_VFORK}, retAllow},
		"untraced clone":            {unix.SYS_CLONE, []uint64{unix.CLONE_VM | unix.CLONE_UNTRACED}, eperm},
		"inode flags":               {unix.SYS_IOCTL, []uint64{3, fsSetFlags}, eperm},
		"inode flags, high bits":    {unix.SYS_IOCTL, []uint64{3, fsSetFlags | high}, eperm},
		"terminal size":             {unix.SYS_IOCTL, []uint64{3, unix.TIOCGWINSZ}, retAllow},
		"shared memory":             {unix.SYS_SHMGET, nil, enosys},
		"a call newer than the row": {lastKnown + 1, nil, enosys},
		"setxattrat":                {463, nil, enosys},
		"the last known":            {lastKnown, nil, retAllow},
	} {
		if got := run(t, p, c.number, c.args...); got != c.want {
			t.Errorf("%s: %#x, want %#x", name, got, c.want)
		}
	}
}

// Without a supervisor nothing that Landlock does not see may go through.
func TestUnwatchedChangesAreRefused(t *testing.T) {
	t.Parallel()
	calls, err := seccomp.ByNumber(seccomp.Mode{Network: filesystem.NetworkOff})
	if err != nil {
		t.Fatal(err)
	}
	p := program(unwatched(calls), false)
	for name, n := range map[string]uint32{"fchmod": unix.SYS_FCHMOD, "fchownat": unix.SYS_FCHOWNAT, "utimensat": unix.SYS_UTIMENSAT,
		"setxattr": unix.SYS_SETXATTR, "fremovexattr": unix.SYS_FREMOVEXATTR, "truncate": unix.SYS_TRUNCATE, "setpriority": unix.SYS_SETPRIORITY} {
		if got := run(t, p, n); got != eperm {
			t.Errorf("%s: %#x, want EPERM", name, got)
		}
	}
}

// Every call on files that the table stops is one that the broker carries out: none is continued unseen.
// Plans with a proxied network are refused here.
func TestTheBrokerKnowsEveryWatchedCall(t *testing.T) {
	t.Parallel()
	known := broker.Known()
	for _, c := range seccomp.Calls() {
		if c.Class == seccomp.Watched && c.Access != "execute" && c.Scope != seccomp.NetworkProxied && !known[c.Name] {
			t.Errorf("%s is watched and the broker does not know it", c.Name)
		}
	}
}

func TestWatchingProgramStopsCallsOnOtherProcesses(t *testing.T) {
	t.Parallel()
	p := program(others(), false)
	for _, c := range broker.ProcessCalls() {
		if got := run(t, p, c.Number); got != retNotify {
			t.Errorf("%s: %#x", c.Name, got)
		}
	}
	if got := run(t, p, unix.SYS_OPENAT); got != retAllow {
		t.Errorf("openat: %#x, want to fall through", got)
	}
}
