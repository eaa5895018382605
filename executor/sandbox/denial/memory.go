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
	programLimit = 255
	addressLimit = 128 // struct sockaddr_storage
)

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
