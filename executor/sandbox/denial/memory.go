//go:build linux

package denial

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	pathLimit    = 4096 // PATH_MAX
	programLimit = 255
	addressLimit = 128 // struct sockaddr_storage
	pageSize     = 4096
)

// reader copies from the memory of other processes into its own buffer. It belongs to one goroutine.
type reader struct {
	buffer [pathLimit]byte
	local  [1]unix.Iovec
	remote [1]unix.RemoteIovec
}

// shortName is what is read of a string at first; most end within.
const shortName = 192

// fill copies to buffer[from:to] what lies at addr, and says how many bytes there are before memory that cannot be read.
func (r *reader) fill(pid int, addr uint64, from, to int) (n int) {
	for at := from; at < to; {
		// Page by page: the kernel does not split what runs into nothing.
		size := min(to-at, pageSize-int(addr%pageSize))
		r.local[0].Base = &r.buffer[at]
		r.local[0].SetLen(size)
		r.remote[0] = unix.RemoteIovec{Base: uintptr(addr), Len: size}
		got, err := unix.ProcessVMReadv(pid, r.local[:], r.remote[:], 0)
		if err != nil || got <= 0 {
			break
		}
		n, at, addr = n+got, at+got, addr+uint64(got)
	}
	return n
}

// bytes copies at most limit bytes; less when the memory ends earlier. They hold until the next call.
func (r *reader) bytes(pid int, addr uint64, limit int) []byte {
	if addr == 0 || limit <= 0 {
		return nil
	}
	return r.buffer[:r.fill(pid, addr, 0, min(limit, pathLimit))]
}

// string copies a C string. ok is false when there is none within the bound.
func (r *reader) string(pid int, addr uint64) (s string, ok bool) {
	if addr == 0 {
		return "", false
	}
	for have, to := 0, shortName; have < pathLimit; to = pathLimit {
		n := r.fill(pid, addr+uint64(have), have, to)
		if end := bytes.IndexByte(r.buffer[have:have+n], 0); end >= 0 {
			return string(r.buffer[:have+end]), true
		}
		if have += n; have < to {
			return "", false
		}
	}
	return "", false
}

// address renders a socket address: host:port, or the path of a Unix socket, "@name" for an abstract one.
func address(raw []byte) string {
	if len(raw) < 2 {
		return ""
	}
	switch binary.NativeEndian.Uint16(raw) {
	case unix.AF_INET:
		if len(raw) < 8 {
			return ""
		}
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(raw[4:8])), binary.BigEndian.Uint16(raw[2:])).String()
	case unix.AF_INET6:
		if len(raw) < 24 {
			return ""
		}
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(raw[8:24])).Unmap(), binary.BigEndian.Uint16(raw[2:])).String()
	case unix.AF_UNIX:
		name := raw[2:]
		if len(name) > 0 && name[0] == 0 {
			return "@" + strings.ToValidUTF8(string(name[1:]), "?")
		}
		name, _, _ = bytes.Cut(name, []byte{0})
		return strings.ToValidUTF8(string(name), "?")
	}
	return ""
}

func isUnix(raw []byte) bool {
	return len(raw) >= 2 && binary.NativeEndian.Uint16(raw) == unix.AF_UNIX
}

// program is the base name of what pid runs.
func program(pid int) string {
	exe, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe")
	if err != nil {
		return ""
	}
	name := filepath.Base(strings.TrimSuffix(exe, " (deleted)"))
	return name[:min(len(name), programLimit)]
}

// process is the process that thread belongs to.
func process(thread int) int {
	if n, ok := status(thread, "Tgid:"); ok && len(n) == 1 {
		return int(n[0])
	}
	return thread
}
