package app

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// maxLaunchers bounds the programs between Codex and this one: a shell, a wrapper.
const maxLaunchers = 3

// threadOfParent is the thread that the process which started this one writes, by the lock that Codex holds for it: requests about files
// do not name their thread. Empty when there is none, or more than one.
func threadOfParent() string {
	pid := os.Getppid()
	for range maxLaunchers {
		if thread, ok := threadOf(pid); ok {
			return thread
		}
		if pid = parentOf(pid); pid <= 1 {
			break
		}
	}
	return ""
}

// threadOf is the one thread that a process writes; ok is false when it writes none.
func threadOf(pid int) (thread string, ok bool) {
	const locks = "thread-writer-locks"
	dir := filepath.Join("/proc", strconv.Itoa(pid), "fd")
	open, err := os.ReadDir(dir)
	if err != nil {
		return "", false
	}
	for _, fd := range open {
		file, err := os.Readlink(filepath.Join(dir, fd.Name()))
		if err != nil || filepath.Base(filepath.Dir(file)) != locks {
			continue
		}
		name, isLock := strings.CutSuffix(filepath.Base(file), ".lock")
		if !isLock || thread != "" && name != thread {
			return "", true
		}
		thread, ok = name, true
	}
	return thread, ok
}

func parentOf(pid int) int {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // state, parent, ...
	if len(fields) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(fields[1])
	return parent
}

// threadOfGroup is the thread that a process of a group writes: its leader may only be a launcher.
func threadOfGroup(group int) string {
	all, err := os.ReadDir("/proc")
	if err != nil {
		return ""
	}
	for _, e := range all {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if of, err := syscall.Getpgid(pid); err != nil || of != group {
			continue
		}
		if thread, ok := threadOf(pid); ok {
			return thread
		}
	}
	return ""
}
