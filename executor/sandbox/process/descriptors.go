//go:build linux

package process

import (
	"math"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// sealDescriptors keeps every descriptor above 2 from being inherited, also those that our own caller passed on.
func sealDescriptors() error {
	if unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return nil
	}
	return sealEach() // before Linux 5.11
}

func sealEach() error {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, entry := range list {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd) // EBADF: the one that listed them
		}
	}
	return nil
}
