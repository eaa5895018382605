package ledger

import (
	"errors"
	"io"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// opKind is a kind of operation that changes what a disk holds.
type opKind string

const (
	opWrite     opKind = "write"
	opSync      opKind = "sync"
	opSyncData  opKind = "data sync"
	opSyncTo    opKind = "range sync"
	opSyncDir   opKind = "directory sync"
	opCreate    opKind = "create"
	opOpenWrite opKind = "open for writing"
	opReuse     opKind = "reuse"
	opRename    opKind = "rename"
	opLink      opKind = "link"
	opRemove    opKind = "remove"
	opMkdir     opKind = "make directory"
	opPrealloc  opKind = "preallocate"
	opClose     opKind = "close"
	opHalf      opKind = "" // the first half of a write is done, the other will not be
)

// faultFS asks before each operation that changes the disk. An error is its result, and nothing is done; with io.ErrShortWrite the first half of
// what was to be written is.
type faultFS struct {
	vfs.FS
	ask func(kind opKind) error
}

// Unwrap implements vfs.FS.
func (f faultFS) Unwrap() vfs.FS { return f.FS }

func (f faultFS) opened(kind opKind, open func() (vfs.File, error)) (vfs.File, error) {
	if err := f.ask(kind); err != nil {
		return nil, err
	}
	file, err := open()
	if err != nil {
		return nil, err
	}
	return faultFile{file, f}, nil
}

func (f faultFS) done(kind opKind, do func() error) error {
	if err := f.ask(kind); err != nil {
		return err
	}
	return do()
}

// Create implements vfs.FS, as all that follow.
func (f faultFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return f.opened(opCreate, func() (vfs.File, error) { return f.FS.Create(name, c) })
}

func (f faultFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return f.opened(opOpenWrite, func() (vfs.File, error) { return f.FS.OpenReadWrite(name, c, o...) })
}

func (f faultFS) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return f.opened(opReuse, func() (vfs.File, error) { return f.FS.ReuseForWrite(old, name, c) })
}

func (f faultFS) OpenDir(name string) (vfs.File, error) {
	d, err := f.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return faultDir{d, f}, nil
}

func (f faultFS) Link(old, name string) error {
	return f.done(opLink, func() error { return f.FS.Link(old, name) })
}

func (f faultFS) Rename(old, name string) error {
	return f.done(opRename, func() error { return f.FS.Rename(old, name) })
}

func (f faultFS) Remove(name string) error {
	return f.done(opRemove, func() error { return f.FS.Remove(name) })
}

func (f faultFS) RemoveAll(name string) error {
	return f.done(opRemove, func() error { return f.FS.RemoveAll(name) })
}

func (f faultFS) MkdirAll(name string, perm os.FileMode) error {
	return f.done(opMkdir, func() error { return f.FS.MkdirAll(name, perm) })
}

type faultFile struct {
	vfs.File
	fs faultFS
}

func (f faultFile) write(b []byte, write func([]byte) (int, error)) (int, error) {
	err := f.fs.ask(opWrite)
	if err == nil {
		return write(b)
	}
	if !errors.Is(err, io.ErrShortWrite) {
		return 0, err
	}
	n, failed := write(b[:len(b)/2])
	return n, errors.Join(err, failed, f.fs.ask(opHalf))
}

func (f faultFile) Write(b []byte) (int, error) { return f.write(b, f.File.Write) }
func (f faultFile) WriteAt(b []byte, at int64) (int, error) {
	return f.write(b, func(b []byte) (int, error) { return f.File.WriteAt(b, at) })
}
func (f faultFile) Sync() error     { return f.fs.done(opSync, f.File.Sync) }
func (f faultFile) SyncData() error { return f.fs.done(opSyncData, f.File.SyncData) }
func (f faultFile) SyncTo(n int64) (full bool, err error) {
	err = f.fs.done(opSyncTo, func() (err error) { full, err = f.File.SyncTo(n); return err })
	return full, err
}

func (f faultFile) Preallocate(at, n int64) error {
	return f.fs.done(opPrealloc, func() error { return f.File.Preallocate(at, n) })
}

// Close closes the file all the same, as the system does.
func (f faultFile) Close() error { return errors.Join(f.fs.ask(opClose), f.File.Close()) }

type faultDir struct {
	vfs.File
	fs faultFS
}

func (d faultDir) Sync() error { return d.fs.done(opSyncDir, d.File.Sync) }
