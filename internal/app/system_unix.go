//go:build unix

package app

import (
	"io/fs"
	"os"
	"syscall"
)

// asItIs are the flags of an open that follows no last link and waits for nobody.
const asItIs = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// owned reports whether the file is this user's.
func owned(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
