package responses

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Bounds of a stream. All of them are far above what a model server sends.
const (
	maxSSELine   = 8 << 20
	maxSSEEvent  = 16 << 20
	maxSSEStream = 256 << 20
)

// errTooBig is the base of the errors that name a bound.
var errTooBig = errors.New("the stream is larger than allowed")

// frame is one dispatched event: its type ("" when the stream named none) and
// its data, which is never written again.
type frame struct {
	event string
	data  []byte
}

// frames reads server-sent events by the rules of the WHATWG HTML standard,
// section 9.2.6: lines end with CR, LF or CRLF, one leading byte order mark is
// dropped, an event without data is not dispatched, and neither is one that the
// end of the stream cuts off.
type frames struct {
	src  io.Reader
	buf  []byte // unread bytes are buf[r:w]
	r, w int
	err  error // of src; reported once buf is used up
	read int64

	started bool // the byte order mark has been looked for
	skipLF  bool // the last line ended with CR; a LF that follows belongs to it
	line    []byte
}

func newFrames(src io.Reader) *frames { return &frames{src: src, buf: make([]byte, 32<<10)} }

// next returns the next event, or [io.EOF] at the end of the stream.
func (f *frames) next() (frame, error) {
	var event string
	var data []byte
	var hasData bool
	for {
		line, err := f.readLine()
		if err != nil {
			return frame{}, err
		}
		if len(line) == 0 {
			if len(data) > 0 {
				return frame{event: event, data: bytes.ToValidUTF8(data, []byte("\uFFFD"))}, nil
			}
			event, data, hasData = "", nil, false
			continue
		}
		field, value := splitField(line)
		switch string(field) {
		case "event":
			event = string(value)
		case "data":
			if len(data)+len(value)+1 > maxSSEEvent {
				return frame{}, fmt.Errorf("an event of more than %d MiB: %w", maxSSEEvent>>20, errTooBig)
			}
			if hasData {
				data = append(data, '\n')
			}
			data, hasData = append(data, value...), true
		}
	}
}

// splitField takes "name: value" apart; a comment has an empty name.
func splitField(line []byte) (name, value []byte) {
	i := bytes.IndexByte(line, ':')
	if i < 0 {
		return line, nil
	}
	return line[:i], bytes.TrimPrefix(line[i+1:], []byte(" "))
}

// readLine returns the next line without its end; the slice is valid until the
// next call. A last line without an end is discarded, as the standard says.
func (f *frames) readLine() ([]byte, error) {
	f.line = f.line[:0]
	for {
		if f.r == f.w {
			if err := f.fill(); err != nil {
				return nil, err
			}
		}
		if f.skipLF {
			f.skipLF = false
			if f.buf[f.r] == '\n' {
				f.r++
				continue
			}
		}
		chunk := f.buf[f.r:f.w]
		end := lineEnd(chunk)
		if end < 0 {
			f.r = f.w
			if len(f.line)+len(chunk) > maxSSELine {
				return nil, fmt.Errorf("a line of more than %d MiB: %w", maxSSELine>>20, errTooBig)
			}
			f.line = append(f.line, chunk...)
			continue
		}
		f.r += end + 1
		f.skipLF = chunk[end] == '\r'
		line := chunk[:end]
		if len(f.line) > 0 {
			if len(f.line)+end > maxSSELine {
				return nil, fmt.Errorf("a line of more than %d MiB: %w", maxSSELine>>20, errTooBig)
			}
			f.line = append(f.line, line...)
			line = f.line
		}
		if !f.started {
			f.started = true
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		}
		return line, nil
	}
}

// lineEnd is the index of the first CR or LF, or -1.
func lineEnd(b []byte) int {
	lf := bytes.IndexByte(b, '\n')
	if lf >= 0 {
		b = b[:lf]
	}
	if cr := bytes.IndexByte(b, '\r'); cr >= 0 {
		return cr
	}
	return lf
}

// fill reads more bytes; it returns nil only when there is at least one.
func (f *frames) fill() error {
	if f.err != nil {
		return f.err
	}
	f.r, f.w = 0, 0
	for range 100 {
		n, err := f.src.Read(f.buf)
		f.w, f.err = n, err
		f.read += int64(n)
		if f.read > maxSSEStream {
			return fmt.Errorf("more than %d MiB in one stream: %w", maxSSEStream>>20, errTooBig)
		}
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}
