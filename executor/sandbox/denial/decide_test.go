//go:build linux

package denial

import (
	"encoding/binary"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/seccomp"
	"proctor/policy/filesystem"
)

// Whatever the kernel fills in, only a call with a row that lets it go on goes on: unknown numbers, conditions that do not hold
// and refused calls end with an error, and so does what has to be asked for in another way.
func FuzzNotification(f *testing.F) {
	var n notification
	add := func(number int, args ...uint64) {
		b := make([]byte, unsafe.Sizeof(n))
		binary.NativeEndian.PutUint32(b[8:], 1<<30)
		binary.NativeEndian.PutUint32(b[16:], uint32(number))
		for i, a := range args {
			binary.NativeEndian.PutUint64(b[32+8*i:], a)
		}
		f.Add(b)
	}
	cwd := ^uint64(unix.AT_FDCWD*-1) + 1
	add(unix.SYS_OPENAT, cwd, 4096, unix.O_WRONLY|unix.O_CREAT)
	add(unix.SYS_OPENAT, cwd, 4096, unix.O_RDONLY)
	add(unix.SYS_OPENAT2, cwd, 4096, 4096)
	add(unix.SYS_RENAMEAT2, 3, 0, 4, ^uint64(0), unix.RENAME_EXCHANGE)
	add(unix.SYS_FCHOWN, 1<<32-1, 0, 1<<32-1)
	add(unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM)
	add(unix.SYS_CONNECT, 3, ^uint64(0), 1<<40)
	add(unix.SYS_MMAP, 0, 1<<40, unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	add(unix.SYS_MEMFD_CREATE, 0, 0)
	add(unix.SYS_EXECVEAT, 5, 0, 0, 0, unix.AT_EMPTY_PATH)
	add(unix.SYS_PRCTL, unix.PR_SET_SECCOMP)
	add(unix.SYS_GETPID)
	add(-1)
	tables := map[filesystem.Network]map[int32][]seccomp.Call{}
	for _, network := range []filesystem.Network{filesystem.NetworkOff, filesystem.NetworkProxied, filesystem.NetworkOn} {
		calls, err := seccomp.ByNumber(seccomp.Mode{Network: network})
		if err != nil {
			f.Fatal(err)
		}
		tables[network] = calls
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for network, calls := range tables {
			p := plan()
			p.Network = network
			s, err := New(nil, Options{Plan: p, Calls: calls, Limits: sandbox.DefaultLimits()})
			if err != nil {
				t.Fatal(err)
			}
			var n notification
			copy(unsafe.Slice((*byte)(unsafe.Pointer(&n)), unsafe.Sizeof(n)), raw)
			n.PID |= 1 << 30 // nobody: pid_max is far below
			row := match(calls[n.Data.Number], n.Data.Args)
			errno, settled := s.decide(-1, &n) // no listener: nothing is answered, and no report is valid
			switch {
			case settled:
				t.Errorf("call %d was settled without a listener", n.Data.Number)
			case row.Class == seccomp.Watched, row.Class == seccomp.Limited:
			case row.Class == seccomp.Dated && errno != unix.ENOSYS:
				t.Errorf("dated call %d: %v", n.Data.Number, errno)
			case errno == 0:
				t.Errorf("call %d goes on, row %+v", n.Data.Number, row)
			}
			if reported, dropped := s.Counts(); reported+dropped != 0 || len(s.tally.entries) != 0 {
				t.Errorf("call %d: a denial of nobody's", n.Data.Number)
			}
			s.resolver.close()
			_, _ = s.stop.Close(), s.stopRead.Close()
		}
	})
}

// What is written in seccomp_unotify(2).
func TestNotificationIsLaidOutAsTheKernels(t *testing.T) {
	t.Parallel()
	var n notification
	for name, c := range map[string][2]uintptr{
		"all": {unsafe.Sizeof(n), 80}, "id": {unsafe.Offsetof(n.ID), 0}, "pid": {unsafe.Offsetof(n.PID), 8}, "data": {unsafe.Offsetof(n.Data), 16},
		"arch": {unsafe.Offsetof(n.Data.Arch), 4}, "args": {unsafe.Offsetof(n.Data.Args), 16},
		"response": {unsafe.Sizeof(response{}), 24}, "addition": {unsafe.Sizeof(addition{}), 24},
	} {
		if c[0] != c[1] {
			t.Errorf("%s: %d, want %d", name, c[0], c[1])
		}
	}
}
