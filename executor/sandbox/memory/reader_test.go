//go:build linux

package memory

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pages are two pages that can be read, before one that cannot.
func pages(t *testing.T) []byte {
	t.Helper()
	b, err := unix.Mmap(-1, 0, 3*pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Mprotect(b[2*pageSize:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(b) })
	return b
}

func TestReader(t *testing.T) {
	b := pages(t)
	at := func(offset int) uint64 { return uint64(uintptr(unsafe.Pointer(&b[0]))) + uint64(offset) }
	fill := func(from int, text string) { copy(b[from:2*pageSize], text) }
	var r Reader
	for _, c := range []struct {
		name, text    string
		offset, limit int
		want          unix.Errno
	}{
		{"short", "a\x00", 0, PathLimit, 0},
		{"empty", "\x00", 7, PathLimit, 0},
		{"longer than the first piece", strings.Repeat("x", 500) + "\x00", 3, PathLimit, 0},
		{"over a page border", strings.Repeat("y", 300) + "\x00", pageSize - 100, PathLimit, 0},
		{"as long as may be", strings.Repeat("z", PathLimit-1) + "\x00", 9, PathLimit, 0},
		{"one too long", strings.Repeat("z", PathLimit) + "\x00", 9, PathLimit, unix.ENAMETOOLONG},
		{"beyond a smaller limit", strings.Repeat("z", 16) + "\x00", 9, 16, unix.ENAMETOOLONG},
		{"runs into nothing", strings.Repeat("w", 50), 2*pageSize - 50, PathLimit, unix.EFAULT},
		{"runs into nothing late", strings.Repeat("w", 1000), 2*pageSize - 1000, PathLimit, unix.EFAULT},
	} {
		fill(c.offset, c.text)
		got, errno := r.String(os.Getpid(), at(c.offset), c.limit)
		if errno != c.want || errno == 0 && got+"\x00" != c.text {
			t.Errorf("%s: %d bytes, %v, want %v", c.name, len(got), errno, c.want)
		}
	}
	if _, errno := r.String(os.Getpid(), 0, 10); errno != unix.EFAULT {
		t.Errorf("no address: %v", errno)
	}
	fill(0, strings.Repeat("v", 2*pageSize))
	for limit, want := range map[int]int{0: 0, 5: 5, PathLimit + 10: PathLimit + 10, 3 * pageSize: 2 * pageSize} {
		if got := r.Bytes(os.Getpid(), at(0), limit); len(got) != want || !bytes.Equal(got, b[:want]) {
			t.Errorf("limit %d: %d bytes, want %d", limit, len(got), want)
		}
	}
	if got := r.Bytes(os.Getpid(), 1<<63, 8); len(got) != 0 {
		t.Errorf("kernel memory: %d bytes", len(got))
	}
}
