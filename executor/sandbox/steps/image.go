//go:build linux

package steps

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// image is the program as an ELF executable: machine, steps and data as one segment each.
func (p *Program) image() ([]byte, error) {
	machine := code()
	if len(machine) == 0 {
		return nil, fmt.Errorf("%w: %s", ErrUnsupported, runtime.GOARCH)
	}
	if len(p.steps) > stepLimit {
		return nil, fmt.Errorf("more than %d steps", stepLimit)
	}
	list := make([]byte, ReportSize, ReportSize+len(p.steps)*stepSize)
	for i, s := range p.steps {
		list = s.encode(list, firstAt+uintptr(i)*stepSize)
	}
	data := p.data
	if len(data) == 0 {
		data = make([]byte, 1) // an empty segment is not allowed
	}
	return link(machine, list, data, os.Getpagesize()), nil
}

// encode appends a step as the machine reads it. self is its own address.
func (s *Step) encode(b []byte, self uintptr) []byte {
	or := func(v, otherwise uintptr) uintptr {
		if v == 0 {
			return otherwise
		}
		return v
	}
	also := s.Also
	if also == 0 {
		also = s.Want
	}
	b = appendWords(b, s.Call)
	b = appendWords(b, s.Args[:]...)
	return appendWords(b, or(s.Keep, Report), uintptr(s.Want), uintptr(also), or(s.Then, self+stepSize), or(s.Positive, s.Fail), s.Fail)
}

// Sizes of the ELF headers (elf(5)).
const (
	fileHeader, segmentHeader = 64, 56
	loaded, stack             = 1, 0x6474e551 // PT_LOAD, PT_GNU_STACK
	execute, write, read      = 1, 2, 4
)

type segment struct {
	kind, flags uint32
	at          uintptr
	content     []byte
}

// link lays out an ELF file: the headers, and from the second page on the segments, each on pages of its own.
func link(machine, list, data []byte, page int) []byte {
	aligned := func(n int) int { return (n + page - 1) &^ (page - 1) }
	segments := []segment{
		{loaded, read | execute, codeAt, machine}, {loaded, read | write, Report, list},
		{loaded, read | write, dataAt, data},
		{stack, read | write, 0, nil},
	}
	const (
		amd64, arm64 = 62, 183
		magic        = "\x7fELF\x02\x01\x01" // 64 bits, little-endian, version 1
	)
	kind := uintptr(amd64)
	if runtime.GOARCH == "arm64" {
		kind = arm64
	}
	size := page
	for _, s := range segments {
		size += aligned(len(s.content))
	}
	out := make([]byte, 16, size)
	copy(out, magic)
	// An executable of that kind, version 1; entry; where the segment headers are; none of sections; flags 0; sizes.
	out = appendWords(out, 2|kind<<16|1<<32, codeAt, fileHeader, 0, fileHeader<<32|segmentHeader<<48, uintptr(len(segments)))
	offset := page
	for _, s := range segments {
		length := uintptr(len(s.content))
		out = appendWords(out, uintptr(s.kind)|uintptr(s.flags)<<32, uintptr(offset), s.at, s.at, length, length, uintptr(page))
		offset += aligned(len(s.content))
	}
	for _, s := range segments {
		out = append(out[:aligned(len(out))], s.content...) // between them are zeros
	}
	return out
}

func appendWords(b []byte, words ...uintptr) []byte {
	for _, w := range words {
		b = binary.NativeEndian.AppendUint64(b, uint64(w))
	}
	return b
}

// File is the executable in memory, closed on exec: start it by the name /proc/self/fd/N, where N is the descriptor that
// the child gets.
func (p *Program) File(name string) (*os.File, error) {
	b, err := p.image()
	if err != nil {
		return nil, err
	}
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3
		fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	}
	if err != nil {
		return nil, fmt.Errorf("make memory file: %w", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if _, err := f.Write(b); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("write %s: %w", name, err)
	}
	return f, nil
}
