//go:build linux

package survey

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Type is what an entry is.
type Type byte

// The types; Other is a device, FIFO or socket. Unknown comes from file systems that do not say, and is not shown to visits.
const (
	Unknown Type = unix.DT_UNKNOWN
	Dir     Type = unix.DT_DIR
	File    Type = unix.DT_REG
	Symlink Type = unix.DT_LNK
	Other   Type = 255
)

// Entry is one name of a folder.
type Entry struct {
	Name  string
	Type  Type
	Inode uint64
}

// Offsets in struct linux_dirent64, see getdents(2).
const (
	atLength = 16
	atType   = 18
	atName   = 19
)

// appendEntries reads what getdents64 filled in, without . and ...
func appendEntries(out []Entry, b []byte) []Entry {
	for len(b) > atName {
		length := int(binary.NativeEndian.Uint16(b[atLength:]))
		if length <= atName || length > len(b) {
			return out
		}
		one := b[:length]
		b = b[length:]
		name, _, _ := bytes.Cut(one[atName:], []byte{0})
		if len(name) == 0 || string(name) == "." || string(name) == ".." {
			continue
		}
		e := Entry{Name: string(name), Type: Type(one[atType]), Inode: binary.NativeEndian.Uint64(one)}
		switch e.Type {
		case Unknown, Dir, File, Symlink:
		default:
			e.Type = Other
		}
		out = append(out, e)
	}
	return out
}

func typeOf(f Folder, name string) Type {
	st, err := f.Stat(name)
	if err != nil {
		return Other
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return Dir
	case unix.S_IFREG:
		return File
	case unix.S_IFLNK:
		return Symlink
	default:
		return Other
	}
}
