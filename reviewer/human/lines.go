package human

import (
	"context"
	"io"
	"strings"
	"sync"
)

// lines reads its input as it comes, on one goroutine until the input ends.
type lines struct {
	wake    chan struct{} // holds a token when there is something new
	reading sync.WaitGroup

	mu     sync.Mutex
	buffer []byte // at most maxLine
	err    error  // why reading ended
}

// maxLine bounds one answer in bytes; the rest of a longer line is dropped.
const maxLine = 4 << 10

func read(in io.Reader) *lines {
	l := &lines{wake: make(chan struct{}, 1)}
	l.reading.Go(func() { l.read(in) }) // ends with the input
	return l
}

func (l *lines) wait() { l.reading.Wait() }

func (l *lines) read(in io.Reader) {
	chunk := make([]byte, 1024)
	for {
		n, err := in.Read(chunk)
		l.mu.Lock()
		for _, b := range chunk[:n] {
			if len(l.buffer) < maxLine || b == '\n' && l.buffer[len(l.buffer)-1] != '\n' {
				l.buffer = append(l.buffer, b)
			}
		}
		l.err = err
		l.mu.Unlock()
		select {
		case l.wake <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// next waits for a whole line. A last line without its end is no answer.
func (l *lines) next(ctx context.Context) (string, error) {
	for {
		line, ok, err := l.take()
		if ok || err != nil {
			return line, err
		}
		select {
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case <-l.wake:
		}
	}
}

func (l *lines) take() (string, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	line, rest, ok := strings.Cut(string(l.buffer), "\n")
	if ok {
		l.buffer = []byte(rest)
		return line, true, nil
	}
	return "", false, l.err
}
