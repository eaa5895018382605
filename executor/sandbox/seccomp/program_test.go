//go:build linux

package seccomp

import (
	"encoding/binary"
	"maps"
	"runtime"
	"slices"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"proctor/policy/filesystem"
)

type fataler interface {
	Helper()
	Fatal(args ...any)
}

// run executes a program as the kernel would, on seccomp_data.
func run(t fataler, p Program, archID uint32, nr uint32, args ...uint64) uint32 {
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
	fail   = 0x00050000 | uint32(unix.EPERM)
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
	const off, proxied, on = filesystem.NetworkOff, filesystem.NetworkProxied, filesystem.NetworkOn
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
		{"socket", []uint64{unix.AF_INET, unix.SOCK_STREAM}, off, fail, allow, notify},
		{"socket", []uint64{unix.AF_UNIX, unix.SOCK_STREAM | unix.SOCK_CLOEXEC}, off, fail, allow, notify},
		{"socket", []uint64{unix.AF_UNIX, unix.SOCK_STREAM | unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK}, off, allow, allow, allow},
		{"socket", []uint64{unix.AF_UNIX, unix.SOCK_STREAM}, proxied, fail, allow, notify},
		{"socket", []uint64{unix.AF_NETLINK, unix.SOCK_RAW}, proxied, fail, allow, notify},
		{"socket", []uint64{unix.AF_INET, unix.SOCK_STREAM}, proxied, allow, allow, allow},
		{"socket", []uint64{unix.AF_INET6, unix.SOCK_RAW | unix.SOCK_CLOEXEC}, proxied, fail, allow, notify},
		{"socket", []uint64{unix.AF_UNIX, unix.SOCK_STREAM | unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK}, proxied, fail, fail, allow},
		{"connect", []uint64{3, 4, 16}, proxied, allow, allow, notify},
		{"sendto", []uint64{3, 4, 5, 0, 0x7000, 16}, proxied, allow, allow, notify},
		{"sendto", []uint64{3, 4, 5, 0, 0, 0}, proxied, allow, allow, allow},
		{"socketpair", []uint64{unix.AF_UNIX, unix.SOCK_STREAM}, proxied, allow, allow, allow},
		{"socketpair", []uint64{unix.AF_UNIX, unix.SOCK_DGRAM}, proxied, fail, allow, notify},
		{"socketpair", []uint64{unix.AF_UNIX, unix.SOCK_RAW | high}, proxied, fail, allow, notify},
		{"socketpair", []uint64{unix.AF_INET, unix.SOCK_STREAM}, proxied, fail, allow, notify},
		{"socket", []uint64{unix.AF_INET, unix.SOCK_RAW}, on, fail, allow, notify},
		{"socket", []uint64{unix.AF_NETLINK, unix.SOCK_RAW}, on, allow, allow, allow},
		{"socket", []uint64{unix.AF_UNIX, unix.SOCK_DGRAM}, off, fail, allow, notify},
		{"socket", []uint64{unix.AF_UNIX, unix.SOCK_RAW | high}, off, fail, allow, notify},
		{"socket", []uint64{unix.AF_UNIX | high, unix.SOCK_STREAM}, off, fail, allow, notify},
		{"socket", []uint64{unix.AF_INET6, unix.SOCK_DGRAM}, on, allow, allow, allow},
		{"socket", []uint64{unix.AF_VSOCK, unix.SOCK_STREAM}, on, fail, allow, notify},
		{"socket", []uint64{unix.AF_VSOCK | high, unix.SOCK_STREAM}, on, fail, allow, notify},
		{"socketpair", []uint64{unix.AF_UNIX, unix.SOCK_STREAM}, off, allow, allow, allow},
		{"socketpair", []uint64{unix.AF_UNIX, unix.SOCK_SEQPACKET}, off, allow, allow, allow},
		{"socketpair", []uint64{unix.AF_UNIX, unix.SOCK_DGRAM}, off, fail, allow, notify},
		{"socketpair", []uint64{unix.AF_TIPC, unix.SOCK_STREAM}, on, fail, allow, notify},
		{"connect", []uint64{3, 4, 16}, off, fail, allow, notify},
		{"connect", []uint64{3, 4, 16}, on, allow, allow, allow},
		{"sendto", []uint64{3, 4, 5, 0, 0x7000, 16}, off, fail, allow, notify},
		{"sendto", []uint64{3, 4, 5, 0, high, 16}, off, fail, allow, notify},
		{"sendto", []uint64{3, 4, 5, 0, 0, 0}, off, fail, fail, allow},
		{"sendmsg", []uint64{3, 4, 5}, off, allow, allow, allow},
		{"getsockopt", []uint64{3}, off, fail, fail, allow},
		{"clone", []uint64{uint64(unix.SIGCHLD)}, off, allow, allow, allow},
		{"clone", []uint64{unix.CLONE_NEWUSER | uint64(unix.SIGCHLD)}, on, fail, allow, notify},
		{"clone3", []uint64{1, 88}, on, absent, absent, allow},
		{"unshare", []uint64{unix.CLONE_FS}, off, allow, allow, allow},
		{"unshare", []uint64{unix.CLONE_NEWNS}, off, fail, allow, notify},
		{"mount", []uint64{0, 1, 2, 0}, off, fail, allow, notify},
		{"mount", []uint64{0, 1, 2, unix.MS_SILENT | unix.MS_BIND}, off, fail, fail, allow},
		{"ptrace", []uint64{0}, on, fail, allow, notify},
		{"io_uring_setup", []uint64{1}, on, fail, allow, notify},
		{"chmod", []uint64{1, 0o4755}, off, fail, allow, notify},
		{"chmod", []uint64{1, 0o755}, off, allow, allow, notify},
		{"fchmodat", []uint64{cwd, 1, high | 0o4711}, on, fail, allow, notify},
		{"openat", []uint64{cwd, 1, unix.O_CREAT | unix.O_WRONLY, 0o4755}, off, fail, allow, notify},
		{"openat", []uint64{cwd, 1, unix.O_WRONLY, 0o4755}, off, allow, allow, notify}, // no mode without O_CREAT: whatever was there
		{"openat", []uint64{cwd, 1, unix.O_TMPFILE | unix.O_RDWR, 0o4755}, off, fail, allow, notify},
		{"openat2", []uint64{cwd, 1, 2, 24}, off, absent, allow, notify},
		{"mknod", []uint64{1, unix.S_IFSOCK | 0o600}, off, fail, allow, notify},
		{"mknod", []uint64{1, unix.S_IFBLK | 0o600, 8}, on, fail, allow, notify},
		{"mknod", []uint64{1, unix.S_IFIFO | 0o600}, off, allow, allow, notify},
		{"ioctl", []uint64{0, unix.TIOCSTI}, off, fail, allow, notify},
		{"ioctl", []uint64{0, high | unix.TIOCSTI}, on, fail, allow, notify},
		{"ioctl", []uint64{0, unix.TIOCGWINSZ}, on, allow, allow, allow},
		{"memfd_create", []uint64{1, unix.MFD_CLOEXEC}, off, absent, allow, notify},
		{"memfd_create", []uint64{1, unix.MFD_NOEXEC_SEAL}, off, allow, allow, allow},
		{"execveat", []uint64{3, 1, 2, 3, unix.AT_EMPTY_PATH}, off, allow, allow, notify},
		{"execveat", []uint64{3, 1, 2, 3, 0}, off, allow, allow, allow},
		{"mmap", []uint64{0, 1 << 30, 3, unix.MAP_PRIVATE | unix.MAP_ANONYMOUS}, off, allow, allow, notify},
		{"mmap", []uint64{0, 1 << 40, 3, unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_NORESERVE}, off, allow, allow, allow},
		{"mmap", []uint64{0, 1 << 40, unix.PROT_NONE, unix.MAP_PRIVATE | unix.MAP_ANONYMOUS}, off, allow, allow, allow},
		{"mmap", []uint64{0, 1<<30 - 1, 3, unix.MAP_PRIVATE | unix.MAP_ANONYMOUS}, off, allow, allow, allow},
		{"mmap", []uint64{0, 1 << 33, 3, unix.MAP_SHARED, 4}, off, allow, allow, allow},
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
			{"enforce", func() (Program, error) { return Enforce(Mode{Network: c.network}) }, c.enforce},
			{"quiet", func() (Program, error) { return Quiet(Mode{Network: c.network}) }, c.quiet},
			{"notify", func() (Program, error) { return Notify(Mode{Network: c.network}, true) }, c.notify},
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

// refusing reports whether a supervisor answers the call with an error whatever it sees.
func refusing(t *testing.T, c call) bool {
	t.Helper()
	rows, err := ByNumber(Mode{Network: c.network})
	if err != nil {
		t.Fatal(err)
	}
	info, err := arch.GetInfo("")
	if err != nil {
		t.Fatal(err)
	}
	var args [6]uint64
	copy(args[:], c.args)
	for _, row := range rows[int32(info.SyscallNames[c.name])] {
		if row.Match(args) {
			return row.Class != Watched && row.Class != Limited
		}
	}
	return false
}

// What stops a call in the filter must be found again by Match, whatever the arguments.
func TestMatchAgreesWithTheFilter(t *testing.T) {
	t.Parallel()
	info, err := arch.GetInfo("")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		network := rapid.SampledFrom([]filesystem.Network{filesystem.NetworkOff, filesystem.NetworkProxied, filesystem.NetworkOn}).Draw(t, "network")
		filters, err := For(Mode{Network: network, Reads: rapid.Bool().Draw(t, "reads")}, true)
		if err != nil {
			t.Fatal(err)
		}
		rows := filters.Calls
		nr := rapid.SampledFrom(slices.Sorted(maps.Keys(rows))).Draw(t, "call")
		var args [6]uint64
		for i := range args {
			args[i] = rapid.OneOf(rapid.SampledFrom(interesting), rapid.Uint64()).Draw(t, "argument")
		}
		stopped := run(t, filters.Notify, uint32(info.ID), uint32(nr), args[:]...) == notify
		found := slices.ContainsFunc(rows[nr], func(c Call) bool { return c.Match(args) })
		if stopped != found {
			t.Fatalf("%s%x: stopped %v, found again %v", rows[nr][0].Name, args, stopped, found)
		}
	})
}

// interesting are values on both sides of the conditions.
var interesting = []uint64{0, 1, 2, 3, 5, 8, 16, 17, 0x22, 0x4022, 0x40, 0x241, 0x8000, 0x1000, 0x5412, 0x541c, 1 << 30, 1<<30 - 1, 1<<32 | 1, 1<<32 | 0x5412,
	0o4755, 0o755, 0o60600, 0o140600, 0x80801, 0x80001, 0x410000, 0x10000000, 0x7e020080}

func TestForeignArchitecturesAreRefused(t *testing.T) {
	t.Parallel()
	for _, network := range []filesystem.Network{filesystem.NetworkOff, filesystem.NetworkOn} {
		p, err := Enforce(Mode{Network: network})
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
	if _, err := Enforce(Mode{}); err == nil {
		t.Error("no error for an empty network mode")
	}
}

// A call without a number would silently not be filtered.
func TestEveryCallHasItsNumber(t *testing.T) {
	t.Parallel()
	info, err := arch.GetInfo("")
	if err != nil {
		t.Fatal(err)
	}
	m, err := here()
	if err != nil {
		t.Fatal(err)
	}
	if m.arch != uint32(info.ID) {
		t.Errorf("architecture %#x, want %#x", m.arch, uint32(info.ID))
	}
	if m.foreign != 0 && m.foreign != uint32(arch.X32.SeccompMask) {
		t.Errorf("foreign calls from %#x on, want %#x", m.foreign, uint32(arch.X32.SeccompMask))
	}
	for _, c := range append(slices.Clip(Calls()), Call{Name: SetupDone}) {
		got, known := m.numbers[c.Name]
		if want, exists := info.SyscallNames[c.Name]; exists && got != want {
			t.Errorf("%s: number %d (known: %v), want %d", c.Name, got, known, want)
		}
		if !known && runtime.GOARCH == "amd64" {
			t.Errorf("%s has no number in numbers.go or numbers_amd64.go", c.Name)
		}
	}
}
