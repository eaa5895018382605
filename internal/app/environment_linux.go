package app

import (
	"bytes"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// changed is when a file was changed last, by the kernel's word: no program can set it.
func changed(info fs.FileInfo) time.Time {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(s.Ctim.Sec, s.Ctim.Nsec) //nolint:unconvert // 32 bits on some machines
	}
	return time.Now() // searched
}

// ours reports whether a file belongs to the user of this process.
func ours(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return !ok || int(s.Uid) == os.Geteuid()
}

// openPlain opens a regular file and nothing that was put into its place.
func openPlain(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
}

// scrub overwrites the values of variables in the memory that /proc/PID/environ shows: unsetting them leaves it as it is.
// Strings of os.Environ that were not copied change with it. It does what it can: whoever may read that file may
// read our memory as well, and a confined command sees neither, its processes have a /proc of their own.
func scrub(names []string) {
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return
	}
	// Fields after the program's name, which may hold blanks; env_start and env_end are fields 50 and 51 (proc(5)).
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 49 {
		return
	}
	start, _ := strconv.ParseInt(string(fields[47]), 10, 64)
	end, _ := strconv.ParseInt(string(fields[48]), 10, 64)
	const most = 8 << 20
	if start <= 0 || end <= start || end-start > most {
		return
	}
	memory, err := os.OpenFile("/proc/self/mem", os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer func() { _ = memory.Close() }()
	block := make([]byte, end-start)
	if _, err := memory.ReadAt(block, start); err != nil {
		return
	}
	at := start
	for _, variable := range bytes.SplitAfter(block, []byte{0}) {
		name, value, ok := bytes.Cut(bytes.TrimSuffix(variable, []byte{0}), []byte("="))
		if ok && slices.Contains(names, string(name)) {
			_, _ = memory.WriteAt(bytes.Repeat([]byte("x"), len(value)), at+int64(len(name))+1)
		}
		at += int64(len(variable))
	}
	clear(block)
}
