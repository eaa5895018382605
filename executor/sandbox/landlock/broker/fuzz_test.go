//go:build linux

package broker

import (
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox/denial"
)

// FuzzAct: whatever numbers and texts a command passes, the broker answers, holds on to no descriptor, and changes
// nothing outside what may be written.
func FuzzAct(f *testing.F) {
	calls := slices.Sorted(maps.Keys(handlers()))
	for i := range calls {
		f.Add(uint8(i), uint8(0b0101), "/a", "/b\xff", uint64(0o644), uint64(1)<<40, int64(-100))
		f.Add(uint8(i), uint8(0b1010), "../x", "", uint64(unix.O_CREAT|unix.O_RDWR), uint64(0), int64(3))
	}
	root := f.TempDir()
	for _, d := range []string{"w", "out"} {
		if err := os.Mkdir(filepath.Join(root, d), 0o755); err != nil {
			f.Fatal(err)
		}
	}
	outside := filepath.Join(root, "out", "kept")
	if err := os.WriteFile(outside, []byte("kept"), 0o644); err != nil {
		f.Fatal(err)
	}
	b := New(planFor(root), time.Now(), 0)
	f.Fuzz(func(t *testing.T, which, places uint8, one, two string, x, y uint64, fd int64) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		before := descriptors(t)
		texts := [][]byte{[]byte(filepath.Join(root, "w") + "/" + one + "\x00"), []byte(two + "\x00")}
		args := [6]uint64{uint64(fd), x, y, uint64(fd), x ^ y, y}
		for i := range 4 {
			if places&(1<<i) != 0 {
				args[i] = address(texts[i%2])
			}
		}
		a, known := b.Act(denial.Request{Thread: unix.Gettid(), Name: calls[int(which)%len(calls)], Args: args})
		runtime.KeepAlive(texts)
		if a.Later != nil {
			return // a named pipe, opened by somebody else later
		}
		if a.Give {
			_ = unix.Close(a.FD)
		}
		if known && a.Denial != nil && a.Errno == 0 {
			t.Errorf("%s is reported as refused and answered as done", calls[int(which)%len(calls)])
		}
		if got, err := os.ReadFile(outside); err != nil || string(got) != "kept" {
			t.Fatalf("changed outside: %q, %v", got, err)
		}
		if after := descriptors(t); after != before {
			t.Fatalf("%d descriptors before, %d after", before, after)
		}
	})
}

func descriptors(t *testing.T) int {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(fds)
}
