package config

import (
	"io/fs"
	"path"
	"strings"
	"time"
)

// memFS is a private root in memory for case files: names without a leading
// slash to text. Folders exist as far as files lie in them.
type memFS map[string]string

// Open implements fs.FS.
func (m memFS) Open(name string) (fs.File, error) {
	info, err := m.Stat(name)
	if err != nil {
		return nil, err
	}
	return &memFile{Reader: strings.NewReader(m[name]), info: info.(memInfo)}, nil
}

// Stat implements fs.StatFS.
func (m memFS) Stat(name string) (fs.FileInfo, error) {
	if data, ok := m[name]; ok {
		return memInfo{name: path.Base(name), size: int64(len(data)), mode: 0o600}, nil
	}
	for file := range m {
		if name == "." || strings.HasPrefix(file, name+"/") {
			return memInfo{name: path.Base(name), mode: fs.ModeDir | 0o700}, nil
		}
	}
	return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
}

type memFile struct {
	*strings.Reader
	info memInfo
}

func (f *memFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *memFile) Close() error               { return nil }

type memInfo struct {
	name string
	size int64
	mode fs.FileMode
}

func (i memInfo) Name() string       { return i.name }
func (i memInfo) Size() int64        { return i.size }
func (i memInfo) Mode() fs.FileMode  { return i.mode }
func (i memInfo) ModTime() time.Time { return time.Time{} }
func (i memInfo) IsDir() bool        { return i.mode.IsDir() }
func (i memInfo) Sys() any           { return nil }
