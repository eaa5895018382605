package codex

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

const (
	// MaxLine bounds one line of a source, in bytes.
	MaxLine = 16 << 20
	// DefaultMaxLines bounds the lines of a source.
	DefaultMaxLines = 1_000_000
	// DefaultMaxBytes bounds all of a source, after decompression.
	DefaultMaxBytes = 4 << 30
)

// lines reads the lines of a source that are not blank.
type lines struct {
	in    *bufio.Reader
	most  int
	count int // lines read, blank ones too
	buf   []byte
}

func newLines(r io.Reader, most int) *lines {
	return &lines{in: bufio.NewReaderSize(r, 64<<10), most: most}
}

// next returns a line, valid until the next call; whole is false for a last line without its end.
func (l *lines) next() (line []byte, whole bool, err error) {
	for {
		line, whole, err := l.one()
		if err != nil {
			return nil, false, err
		}
		l.count++
		if l.count > l.most {
			return nil, false, fmt.Errorf("%w: more than %d lines", ErrTooLarge, l.most)
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, whole, nil
		}
	}
}

func (l *lines) one() ([]byte, bool, error) {
	l.buf = l.buf[:0]
	for {
		part, err := l.in.ReadSlice('\n')
		if len(l.buf)+len(part) > MaxLine {
			l.count++ // the error names the line it is about
			return nil, false, fmt.Errorf("%w: the line has more than %d bytes", ErrTooLarge, MaxLine)
		}
		l.buf = append(l.buf, part...)
		switch {
		case err == nil:
			return l.buf, true, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(l.buf) > 0:
			return l.buf, false, nil
		default:
			return nil, false, err
		}
	}
}
