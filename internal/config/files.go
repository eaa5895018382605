package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// files reads bounded regular files by absolute path.
type files struct{ fsys fs.FS }

// name is an absolute path as io/fs wants it.
func (f files) name(abs string) string {
	n := strings.TrimPrefix(path.Clean(abs), "/")
	if n == "" {
		return "."
	}
	return n
}

// read returns nil, nil when there is no such file. Folders, devices and pipes
// are refused before they are opened: opening a pipe would wait for ever.
func (f files) read(abs string) ([]byte, error) {
	info, err := fs.Stat(f.fsys, f.name(abs))
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, &Error{File: abs, Err: cause(err), Hint: "make it readable or remove it"}
	}
	if !info.Mode().IsRegular() {
		return nil, &Error{File: abs, Got: "not a regular file"}
	}
	file, err := f.fsys.Open(f.name(abs))
	if err != nil {
		return nil, &Error{File: abs, Err: cause(err), Hint: "make it readable or remove it"}
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	if err != nil {
		return nil, &Error{File: abs, Err: cause(err)}
	}
	if len(data) > maxFileBytes {
		return nil, &Error{File: abs, Got: "file too large", Expected: fmt.Sprintf("at most %d bytes", maxFileBytes)}
	}
	return data, nil
}

// missing also covers a parent that is a file: there is no such layer either way.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || isNotDir(err)
}

// cause drops the path that Error already shows.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

func (f files) exists(abs string) bool {
	_, err := fs.Stat(f.fsys, f.name(abs))
	return err == nil
}

func (f files) isDir(abs string) bool {
	info, err := fs.Stat(f.fsys, f.name(abs))
	return err == nil && info.IsDir()
}

// load reads and parses one file; nil, nil when it does not exist.
func (f files) load(abs string, layer Layer) (*node, error) {
	data, err := f.read(abs)
	if err != nil || data == nil {
		return nil, err
	}
	return parseDocument(data, layer, abs)
}

// ReadFile reads one file of this machine within the bounds of Load.
func ReadFile(abs string) ([]byte, error) {
	data, err := files{os.DirFS("/")}.read(abs)
	if err == nil && data == nil {
		err = fs.ErrNotExist
	}
	return data, err
}
