//go:build linux

package broker

import (
	"bytes"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	pathLimit = 4096 // PATH_MAX, with the final NUL
	pageSize  = 4096
	// valueLimit bounds an extended attribute (XATTR_SIZE_MAX), in bytes.
	valueLimit = 64 << 10
	nameLimit  = 256
)

// readMemory copies at most limit bytes of another process; less when the memory ends earlier.
func readMemory(pid int, addr uint64, limit int) []byte {
	if addr == 0 || limit <= 0 {
		return nil
	}
	buf := make([]byte, limit)
	var remote []unix.RemoteIovec
	for at, left := addr, limit; left > 0; { // one element a page: the kernel does not split one that runs into nothing
		n := min(left, pageSize-int(at%pageSize))
		remote = append(remote, unix.RemoteIovec{Base: uintptr(at), Len: n})
		at, left = at+uint64(n), left-n
	}
	local := unix.Iovec{Base: &buf[0]}
	local.SetLen(limit)
	n, err := unix.ProcessVMReadv(pid, []unix.Iovec{local}, remote, 0)
	if err != nil {
		return nil
	}
	return buf[:n]
}

func readString(pid int, addr uint64, limit int) (string, unix.Errno) {
	b := readMemory(pid, addr, limit)
	end := bytes.IndexByte(b, 0)
	switch {
	case end >= 0:
		return string(b[:end]), 0
	case len(b) == limit:
		return "", unix.ENAMETOOLONG
	}
	return "", unix.EFAULT
}

// status gives fields of /proc/PID/status: the process a thread belongs to, and its umask. ok is false when the
// process is gone.
func status(thread int) (process int, umask uint32, ok bool) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(thread) + "/status")
	if err != nil {
		return 0, 0, false
	}
	found := 0
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch key {
		case "Umask":
			n, err := strconv.ParseUint(value, 8, 32)
			if err != nil {
				return 0, 0, false
			}
			umask, found = uint32(n)&0o777, found+1
		case "Tgid":
			n, err := strconv.Atoi(value)
			if err != nil {
				return 0, 0, false
			}
			process, found = n, found+1
		}
		if found == 2 {
			return process, umask, true
		}
	}
	return 0, 0, false
}
