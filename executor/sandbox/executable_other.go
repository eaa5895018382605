//go:build !unix

package sandbox

import (
	"io/fs"
	"os"
)

// executable takes any regular file for a program; the system decides when it is started.
func executable(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrInvalid
	}
	return err
}
