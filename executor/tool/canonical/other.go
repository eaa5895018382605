//go:build !unix

package canonical

import (
	"errors"
	"io/fs"
)

// errSystem: without directory descriptors a path cannot be walked safely, so nothing is read or written.
var errSystem = errors.New("files are not reached without following links on this system")

// Staged is never made here.
type Staged struct{}

// ReadFile always fails.
func ReadFile(string, int64) ([]byte, fs.FileInfo, error) { return nil, nil, errSystem }

// Stat always fails.
func Stat(string) (Info, error) { return Info{}, errSystem }

// ReadDir always fails.
func ReadDir(string, int) ([]Info, error) { return nil, errSystem }

// Remove always fails.
func Remove(string) error { return errSystem }

// Stage always fails.
func Stage(string, []byte, fs.FileInfo, func(string) error) (*Staged, error) { return nil, errSystem }

// Commit always fails.
func (*Staged) Commit() error { return errSystem }

// Discard has nothing to remove.
func (*Staged) Discard() {}

// MakeDir always fails.
func MakeDir(string, bool, func(string) error) error { return errSystem }

// RemoveDir always fails.
func RemoveDir(string) error { return errSystem }
