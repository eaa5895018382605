//go:build linux

package process

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestSeal(t *testing.T) {
	for name, seal := range map[string]func() error{"range": sealDescriptors, "each": sealEach} {
		var fds [2]int
		if err := unix.Pipe2(fds[:], 0); err != nil {
			t.Fatal(err)
		}
		if err := seal(); err != nil {
			t.Fatal(err)
		}
		for _, fd := range fds {
			flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
			if err != nil || flags&unix.FD_CLOEXEC == 0 {
				t.Errorf("%s: descriptor %d would be inherited (%v)", name, fd, err)
			}
			unix.Close(fd)
		}
	}
}
