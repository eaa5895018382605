//go:build unix

package sandbox

import (
	"os"

	"golang.org/x/sys/unix"
)

// executable asks the kernel, which knows about ACLs and mount options; a directory is not a program.
func executable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return unix.EISDIR
	}
	return unix.Access(path, unix.X_OK)
}
