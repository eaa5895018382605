package ledger

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// pinFS shows the files of a ledger as they were at one moment, while their owner goes on: it holds a
// descriptor and the length of each, so that what is appended later is not seen and what is removed is still there.
// Nothing can be written through it, and nothing is left behind when the process is killed.
type pinFS struct {
	vfs.FS
	dir    string   // of the store
	beside []string // files outside it that belong to the same moment, and folders of such
	pins   map[string]pin
}

type pin struct {
	vfs.File
	size int64
}

var errPinned = errors.New("the ledger is open for reading only")

// newPinFS pins what is signed, and with what, first: the store is then at least as new.
func newPinFS(fs vfs.FS, dir string) (*pinFS, error) {
	p := &pinFS{FS: fs, dir: fs.PathJoin(dir, storeDir), pins: map[string]pin{}}
	p.beside = []string{fs.PathJoin(dir, checkpointFile), fs.PathJoin(dir, cosignatureFile), fs.PathJoin(dir, timestampFile), fs.PathJoin(dir, keysDir)}
	err := errors.Join(p.pin(p.beside[0]), p.pin(p.beside[1]), p.pin(p.beside[2]), p.pinFolder(p.beside[3]), p.pinFolder(p.dir))
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// pinFolder pins the files of a folder.
func (p *pinFS) pinFolder(dir string) error {
	names, err := p.FS.List(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".new") { // half written
			continue
		}
		if name == "LOCK" { // to close another descriptor of it would give up a lock of this process
			continue
		}
		if err := p.pin(p.FS.PathJoin(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// pin passes what is not there: if it was removed meanwhile and is needed, the manifest changed.
func (p *pinFS) pin(path string) error {
	f, err := p.FS.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return err
	}
	p.pins[path] = pin{f, info.Size()}
	return nil
}

// still reports whether the store consists of the same tables and logs as when it was pinned. Before the
// owner writes over a log or removes a table it writes so to the manifest.
func (p *pinFS) still() (bool, error) {
	names, err := p.FS.List(p.dir)
	if err != nil {
		return false, err
	}
	for _, name := range names {
		if !strings.HasPrefix(name, "MANIFEST-") && !strings.HasPrefix(name, "marker.manifest.") {
			continue
		}
		path := p.FS.PathJoin(p.dir, name)
		was, ok := p.pins[path]
		if !ok {
			return false, nil
		}
		info, err := p.FS.Stat(path)
		if err != nil {
			return false, err
		}
		if info.Size() != was.size {
			return false, nil
		}
	}
	return true, nil
}

func (p *pinFS) close() {
	for _, f := range p.pins {
		_ = f.Close()
	}
}

// Open implements vfs.FS.
func (p *pinFS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	f, ok := p.pins[name]
	switch {
	case ok:
		return &pinnedFile{pin: f}, nil
	case p.FS.PathDir(name) == p.dir, slices.Contains(p.beside, name), slices.Contains(p.beside, p.FS.PathDir(name)): // made since
		return nil, &os.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
	}
	return p.FS.Open(name, opts...)
}

// Stat implements vfs.FS.
func (p *pinFS) Stat(name string) (vfs.FileInfo, error) {
	if f, ok := p.pins[name]; ok {
		return (&pinnedFile{pin: f}).Stat()
	}
	return p.FS.Stat(name)
}

// List implements vfs.FS.
func (p *pinFS) List(dir string) ([]string, error) {
	if dir != p.dir {
		return p.FS.List(dir)
	}
	var names []string
	for path := range p.pins {
		if p.FS.PathDir(path) == dir {
			names = append(names, p.FS.PathBase(path))
		}
	}
	return names, nil
}

// Lock implements vfs.FS. There is nothing to lock out of pinned files.
func (p *pinFS) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

// Unwrap implements vfs.FS.
func (p *pinFS) Unwrap() vfs.FS { return p.FS }

func (p *pinFS) refuse(name string) error {
	return &os.PathError{Op: "write", Path: name, Err: errPinned}
}

// Create implements vfs.FS, as all that follow, by refusing.
func (p *pinFS) Create(name string, _ vfs.DiskWriteCategory) (vfs.File, error) {
	return nil, p.refuse(name)
}

// OpenReadWrite implements vfs.FS.
func (p *pinFS) OpenReadWrite(name string, _ vfs.DiskWriteCategory, _ ...vfs.OpenOption) (vfs.File, error) {
	return nil, p.refuse(name)
}

// ReuseForWrite implements vfs.FS.
func (p *pinFS) ReuseForWrite(_, name string, _ vfs.DiskWriteCategory) (vfs.File, error) {
	return nil, p.refuse(name)
}

// Link implements vfs.FS.
func (p *pinFS) Link(_, name string) error { return p.refuse(name) }

// Remove implements vfs.FS.
func (p *pinFS) Remove(name string) error { return p.refuse(name) }

// RemoveAll implements vfs.FS.
func (p *pinFS) RemoveAll(name string) error { return p.refuse(name) }

// Rename implements vfs.FS.
func (p *pinFS) Rename(_, name string) error { return p.refuse(name) }

// MkdirAll implements vfs.FS.
func (p *pinFS) MkdirAll(name string, _ os.FileMode) error { return p.refuse(name) }

// pinnedFile is one opening of a pinned file.
type pinnedFile struct {
	pin
	at int64
}

func (f *pinnedFile) Read(b []byte) (int, error) {
	n, err := f.ReadAt(b, f.at)
	f.at += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

func (f *pinnedFile) ReadAt(b []byte, off int64) (int, error) {
	if off >= f.size {
		return 0, io.EOF
	}
	cut := int64(len(b)) > f.size-off
	if cut {
		b = b[:f.size-off]
	}
	n, err := f.File.ReadAt(b, off)
	if cut && err == nil {
		err = io.EOF
	}
	return n, err
}

func (f *pinnedFile) Stat() (vfs.FileInfo, error) {
	info, err := f.File.Stat()
	if err != nil {
		return nil, fmt.Errorf("pinned file: %w", err)
	}
	return pinnedInfo{info, f.size}, nil
}

// Close implements io.Closer: the pin stays.
func (f *pinnedFile) Close() error { return nil }

type pinnedInfo struct {
	vfs.FileInfo
	size int64
}

// Size is that when it was pinned.
func (i pinnedInfo) Size() int64 { return i.size }
