package execserver

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Conn carries messages. Read is called by one goroutine, Write by any.
type Conn interface {
	// Read returns the next message, valid until the next Read; io.EOF when the client is gone.
	Read() ([]byte, error)
	Write(v any) error
	// Transport is "stdio" or "websocket".
	Transport() string
}

// lines is a Conn with one message a line.
type lines struct {
	r *bufio.Reader

	mu sync.Mutex
	w  io.Writer
}

// Lines is a connection over two streams, one message a line.
func Lines(r io.Reader, w io.Writer) Conn { return &lines{r: bufio.NewReaderSize(r, 64<<10), w: w} }

func (*lines) Transport() string { return "stdio" }

// Read implements Conn.
func (l *lines) Read() ([]byte, error) {
	var long []byte
	for {
		piece, err := l.r.ReadSlice('\n')
		switch {
		case err == nil && long == nil:
			return piece, nil
		case len(long)+len(piece) > MaxFrame:
			return nil, fmt.Errorf("%w: a line of more than %d bytes", errMessage, MaxFrame)
		}
		long = append(long, piece...)
		switch {
		case err == nil:
			return long, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(long) > 0: // cut off: its sender is gone
			return nil, io.EOF
		default:
			return nil, err
		}
	}
}

// Write implements Conn.
func (l *lines) Write(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err = l.w.Write(append(b, '\n'))
	return err
}
