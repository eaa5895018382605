package seccomp

import (
	"encoding/binary"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"proctor/policy/filesystem"
)

// run executes a program as the kernel would, on seccomp_data.
func run(t *testing.T, p Program, archID uint32, nr uint32, args ...uint64) uint32 {
	t.Helper()
	raw := make([]bpf.RawInstruction, len(p))
	for i, f := range p {
		raw[i] = bpf.RawInstruction{Op: f.Code, Jt: f.Jt, Jf: f.Jf, K: f.K}
	}
	instructions, ok := bpf.Disassemble(raw)
	if !ok {
		t.Fatal("program does not disassemble")
	}
	vm, err := bpf.NewVM(instructions)
	if err != nil {
		t.Fatal(err)
	}
	// The VM loads big endian words; the kernel loads them in machine order.
	data := make([]byte, 64)
	binary.BigEndian.PutUint32(data[0:], nr)
	binary.BigEndian.PutUint32(data[4:], archID)
	for i, a := range args {
		binary.BigEndian.PutUint32(data[16+8*i:], uint32(a))
		binary.BigEndian.PutUint32(data[20+8*i:], uint32(a>>32))
	}
	got, err := vm.Run(data)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(got)
}

const (
	allow  = 0x7fff0000
	notify = 0x7fc00000
	refuse = 0x00050000 | uint32(unix.EPERM)
	absent = 0x00050000 | uint32(unix.ENOSYS)
)

type call struct {
	name    string
	args    []uint64
	network filesystem.Network
	enforce uint32
	quiet   uint32
	notify  uint32
}

func cases() []call {
	const off, on = filesystem.NetworkOff, filesystem.NetworkOn
	cwd := uint64(0xffffffffffffff9c) // AT_FDCWD
	high := uint64(1) << 32           // bits that the kernel ignores in int arguments
	return []call{
		{"read", []uint64{0, 1, 2}, off, allow, allow, allow},
		{"openat", []uint64{cwd, 1, unix.O_RDONLY | unix.O_CLOEXEC}, off, allow, allow, allow},
		{"openat", []uint64{cwd, 1, unix.O_WRONLY}, off, allow, allow, notify},
		{"openat", []uint64{cwd, 1, unix.O_RDWR | high}, on, allow, allow, notify},
		{"openat", []uint64{cwd, 1, unix.O_TRUNC}, on, allow, allow, notify},
		{"openat", []uint64{cwd, 1, 41}, off, allow, allow, notify}, // 41 is also a call number: the next row must not see it
		{"openat", []uint64{cwd, 1, unix.O_DIRECTORY}, off, allow, allow, allow},
		{"unlinkat", []uint64{cwd, 1, 0}, off, allow, allow, notify},
		{"socket", []uint64{unix.AF_INET, unix.SOCK_STREAM}, off, refuse, allow, notify},
		{"socket", []uint64{unix.AF_UNIX, unix.SOCK_STREAM | unix.SOCK_CLOEXEC}, off, allow, allow, allow},
		{"socket", []uint64{unix.AF_UNIX, unix.SOCK_DGRAM}, off, refuse, allow, notify},
		{"socket", []uint64{unix.AF_UNIX, unix.SOCK_RAW | high}, off, refuse, allow, notify},
		{"socket", []uint64{unix.AF_UNIX | high, unix.SOCK_STREAM}, off, refuse, allow, notify},
		{"socket", []uint64{unix.AF_INET6, unix.SOCK_DGRAM}, on, allow, allow, allow},
		{"socket", []uint64{unix.AF_VSOCK, unix.SOCK_STREAM}, on, refuse, allow, notify},
		{"socket", []uint64{unix.AF_VSOCK | high, unix.SOCK_STREAM}, on, refuse, allow, notify},
		{"socketpair", []uint64{unix.AF_UNIX, unix.SOCK_STREAM}, off, allow, allow, allow},
		{"socketpair", []uint64{unix.AF_UNIX, unix.SOCK_SEQPACKET}, off, allow, allow, allow},
		{"socketpair", []uint64{unix.AF_UNIX, unix.SOCK_DGRAM}, off, refuse, allow, notify},
		{"socketpair", []uint64{unix.AF_TIPC, unix.SOCK_STREAM}, on, refuse, allow, notify},
		{"connect", []uint64{3, 4, 16}, off, refuse, allow, notify},
		{"connect", []uint64{3, 4, 16}, on, allow, allow, allow},
		{"sendto", []uint64{3, 4, 5, 0, 0x7000, 16}, off, refuse, allow, notify},
		{"sendto", []uint64{3, 4, 5, 0, high, 16}, off, refuse, allow, notify},
		{"sendto", []uint64{3, 4, 5, 0, 0, 0}, off, refuse, refuse, allow},
		{"sendmsg", []uint64{3, 4, 5}, off, allow, allow, allow},
		{"getsockopt", []uint64{3}, off, refuse, refuse, allow},
		{"clone", []uint64{uint64(unix.SIGCHLD)}, off, allow, allow, allow},
		{"clone", []uint64{unix.CLONE_NEWUSER | uint64(unix.SIGCHLD)}, on, refuse, allow, notify},
		{"clone3", []uint64{1, 88}, on, absent, absent, allow},
		{"unshare", []uint64{unix.CLONE_FS}, off, allow, allow, allow},
		{"unshare", []uint64{unix.CLONE_NEWNS}, off, refuse, allow, notify},
		{"mount", []uint64{0, 1, 2, 0}, off, refuse, allow, notify},
		{"mount", []uint64{0, 1, 2, unix.MS_SILENT | unix.MS_BIND}, off, refuse, refuse, allow},
		{"ptrace", []uint64{0}, on, refuse, allow, notify},
		{"io_uring_setup", []uint64{1}, on, refuse, allow, notify},
		{"prctl", []uint64{unix.PR_SET_SECCOMP, 2}, off, allow, allow, notify},
		{"prctl", []uint64{unix.PR_SET_NAME}, off, allow, allow, allow},
	}
}

func TestPrograms(t *testing.T) {
	t.Parallel()
	info, err := arch.GetInfo("")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases() {
		nr, ok := info.SyscallNames[c.name]
		if !ok {
			continue
		}
		for _, p := range []struct {
			name string
			make func() (Program, error)
			want uint32
		}{
			{"enforce", func() (Program, error) { return Enforce(c.network) }, c.enforce},
			{"quiet", func() (Program, error) { return Quiet(c.network) }, c.quiet},
			{"notify", func() (Program, error) { return Notify(c.network, true) }, c.notify},
		} {
			program, err := p.make()
			if err != nil {
				t.Fatal(err)
			}
			if got := run(t, program, uint32(info.ID), uint32(nr), c.args...); got != p.want {
				t.Errorf("%s %s%x network %s: %#x, want %#x", p.name, c.name, c.args, c.network, got, p.want)
			}
		}
	}
}

// The two programs that run together must refuse what Enforce refuses alone, with the supervisor's EPERM.
func TestQuietAndNotifyTogetherRefuseWhatEnforceRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range cases() {
		refusedAlone := c.enforce != allow
		refusedTogether := c.quiet != allow || c.notify == notify && refusing(t, c)
		if refusedAlone != refusedTogether {
			t.Errorf("%s%x: alone %v, together %v", c.name, c.args, refusedAlone, refusedTogether)
		}
		if c.quiet != allow && c.notify == notify {
			t.Errorf("%s%x: in both programs, so it is never recorded", c.name, c.args)
		}
	}
}

// refusing reports whether a supervisor that goes by the number alone answers EPERM.
func refusing(t *testing.T, c call) bool {
	t.Helper()
	rows, err := ByNumber(c.network)
	if err != nil {
		t.Fatal(err)
	}
	info, err := arch.GetInfo("")
	if err != nil {
		t.Fatal(err)
	}
	list, ok := rows[int32(info.SyscallNames[c.name])]
	return ok && list[0].Class != Watched
}

// A supervisor decides by number, so the rows of one call must agree.
func TestRowsOfOneCallAgree(t *testing.T) {
	t.Parallel()
	for _, network := range []filesystem.Network{filesystem.NetworkOff, filesystem.NetworkOn} {
		rows, err := ByNumber(network)
		if err != nil {
			t.Fatal(err)
		}
		for nr, list := range rows {
			for _, row := range list {
				if row.Class != list[0].Class || row.Access != list[0].Access {
					t.Errorf("call %d (%s): rows differ", nr, row.Name)
				}
			}
		}
	}
}

func TestForeignArchitecturesAreRefused(t *testing.T) {
	t.Parallel()
	for _, network := range []filesystem.Network{filesystem.NetworkOff, filesystem.NetworkOn} {
		p, err := Enforce(network)
		if err != nil {
			t.Fatal(err)
		}
		if got := run(t, p, 0x40000003, 26); got != absent { // AUDIT_ARCH_I386, ptrace
			t.Errorf("i386: %#x, want ENOSYS", got)
		}
		info, _ := arch.GetInfo("")
		if info.ID == arch.X86_64.ID {
			if got := run(t, p, uint32(info.ID), 0x40000000|521); got != absent { // x32 ptrace
				t.Errorf("x32: %#x, want ENOSYS", got)
			}
		}
	}
}

func TestUnknownNetworkModeIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := Enforce(""); err == nil {
		t.Error("no error for an empty network mode")
	}
}
