//go:build linux

// Package memory copies what stopped callers point to out of their memory. Every length is bounded before it is trusted;
// what was copied is never read again, so a caller that writes over it meanwhile changes nothing. It is Linux only.
package memory

import (
	"bytes"

	"golang.org/x/sys/unix"
)

const (
	// PathLimit is PATH_MAX, the final NUL included, in bytes.
	PathLimit = 4096
	pageSize  = 4096
	// shortName is what is read of a string at first; most end within.
	shortName = 192
)

// Reader copies into its own buffer. It belongs to one goroutine; the zero value works.
type Reader struct {
	fixed  [PathLimit]byte
	local  [1]unix.Iovec
	remote [1]unix.RemoteIovec
}

// fill copies to buffer[from:to] what lies at addr, and says how many bytes there are before memory that cannot be read.
func (r *Reader) fill(buffer []byte, pid int, addr uint64, from, to int) (n int) {
	for at := from; at < to; {
		// Page by page: the kernel does not split what runs into nothing.
		size := min(to-at, pageSize-int(addr%pageSize))
		r.local[0].Base = &buffer[at]
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

// Bytes copies at most limit bytes; less when the memory ends earlier. Up to PathLimit they hold until the next call; more are
// the caller's own.
func (r *Reader) Bytes(pid int, addr uint64, limit int) []byte {
	if addr == 0 || limit <= 0 {
		return nil
	}
	buffer := r.fixed[:]
	if limit > len(buffer) {
		buffer = make([]byte, limit)
	}
	return buffer[:r.fill(buffer, pid, addr, 0, limit)]
}

// String copies a C string: ENAMETOOLONG when it has no end within limit bytes, which are at most PathLimit, EFAULT when the memory ends before.
func (r *Reader) String(pid int, addr uint64, limit int) (string, unix.Errno) {
	if addr == 0 {
		return "", unix.EFAULT
	}
	limit = min(limit, len(r.fixed))
	for have, to := 0, min(shortName, limit); have < limit; to = limit {
		n := r.fill(r.fixed[:], pid, addr+uint64(have), have, to)
		if end := bytes.IndexByte(r.fixed[have:have+n], 0); end >= 0 {
			return string(r.fixed[:have+end]), 0
		}
		if have += n; have < to {
			return "", unix.EFAULT
		}
	}
	return "", unix.ENAMETOOLONG
}
