//go:build linux

package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/creack/pty"

	"proctor/executor/sandbox"
)

const (
	// chunkSize is the most that OnOutput gets at once, in bytes.
	chunkSize = 32 << 10
	// endOfFile is what a terminal turns into end of input (VEOF).
	endOfFile         = 4
	defaultRows       = 24
	defaultColumns    = 80
	setupMessageLimit = 4096
)

// streams are the three standard streams of a child, seen from both sides.
type streams struct {
	child  [3]*os.File // what the child gets
	close  []*os.File  // of those, the ones to close here after the start
	input  *os.File    // write end of standard input, or the terminal
	output []reader
	tty    bool

	mu       sync.Mutex // guards closed and the call of OnOutput
	onOutput func(sandbox.Stream, []byte)
	readers  sync.WaitGroup
}

type reader struct {
	file *os.File
	name sandbox.Stream
}

func openStreams(s sandbox.Spec) (*streams, error) {
	st := &streams{onOutput: s.OnOutput, tty: s.TTY}
	var err error
	if s.TTY {
		err = st.openTerminal(s)
	} else {
		err = st.openPipes(s)
	}
	if err != nil {
		st.closeChild()
		st.closeOwn()
		return nil, fmt.Errorf("open standard streams: %w", err)
	}
	return st, nil
}

func (st *streams) openTerminal(s sandbox.Spec) error {
	master, slave, err := pty.Open()
	if err != nil {
		return err
	}
	st.input, st.output = master, []reader{{master, sandbox.Stdout}}
	st.child, st.close = [3]*os.File{slave, slave, slave}, []*os.File{slave}
	return setSize(master, s)
}

func setSize(terminal *os.File, s sandbox.Spec) error {
	size := pty.Winsize{Rows: s.Rows, Cols: s.Cols}
	if size.Rows == 0 {
		size.Rows = defaultRows
	}
	if size.Cols == 0 {
		size.Cols = defaultColumns
	}
	return pty.Setsize(terminal, &size)
}

// openOutput makes a pipe, or a terminal that is only an output.
func openOutput(s sandbox.Spec, terminal bool) (read, write *os.File, err error) {
	if !terminal {
		return os.Pipe()
	}
	if read, write, err = pty.Open(); err != nil {
		return nil, nil, err
	}
	if err := setSize(read, s); err != nil {
		return nil, nil, errors.Join(err, read.Close(), write.Close())
	}
	return read, write, nil
}

func (st *streams) openPipes(s sandbox.Spec) error {
	switch {
	case s.StdinFile != nil:
		st.child[0] = s.StdinFile
	case s.Stdin:
		read, write, err := os.Pipe()
		if err != nil {
			return err
		}
		st.child[0], st.input, st.close = read, write, append(st.close, read)
	default:
		null, err := os.Open(os.DevNull)
		if err != nil {
			return err
		}
		st.child[0], st.close = null, append(st.close, null)
	}
	for i, out := range []struct {
		file     *os.File
		name     sandbox.Stream
		terminal bool
	}{{s.StdoutFile, sandbox.Stdout, s.StdoutTTY}, {s.StderrFile, sandbox.Stderr, s.StderrTTY}} {
		if out.file != nil {
			st.child[1+i] = out.file
			continue
		}
		if s.Merged && out.name == sandbox.Stderr {
			st.child[2] = st.child[1]
			continue
		}
		read, write, err := openOutput(s, out.terminal)
		if err != nil {
			return err
		}
		st.child[1+i], st.close = write, append(st.close, write)
		st.output = append(st.output, reader{read, out.name})
	}
	return nil
}

func (st *streams) closeChild() {
	for _, f := range st.close {
		_ = f.Close()
	}
	st.close = nil
}

func (st *streams) closeOwn() {
	if st.input != nil {
		_ = st.input.Close()
	}
	for _, r := range st.output {
		_ = r.file.Close()
	}
}

// copyOutput starts delivering output.
func (st *streams) copyOutput() {
	for _, r := range st.output {
		st.readers.Go(func() { st.copy(r) })
	}
}

// copy ends at end of file, when the file is closed here, and on the EIO that ends a terminal.
func (st *streams) copy(r reader) {
	buf := make([]byte, chunkSize)
	for {
		n, err := r.file.Read(buf)
		if n > 0 && st.onOutput != nil {
			st.mu.Lock()
			st.onOutput(r.name, buf[:n])
			st.mu.Unlock()
		}
		if err != nil {
			return
		}
	}
}

// finish waits for the rest of the output. A process that outlived the child can hold a pipe open; after limit it
// is cut off.
func (st *streams) finish(limit time.Duration) {
	cut := time.AfterFunc(limit, func() {
		for _, r := range st.output {
			_ = r.file.SetReadDeadline(time.Now())
		}
	})
	st.readers.Wait()
	cut.Stop()
	st.closeOwn()
}

// message is what a launcher that failed wrote, at most setupMessageLimit bytes. The child must be gone.
func (st *streams) message() string {
	if len(st.output) == 0 {
		return ""
	}
	r := st.output[len(st.output)-1]
	_ = r.file.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	b, _ := io.ReadAll(io.LimitReader(r.file, setupMessageLimit))
	return string(b)
}

func (st *streams) write(p []byte) (int, error) {
	if st.input == nil {
		return 0, errors.New("write to process: standard input is not open; set Spec.Stdin or Spec.TTY")
	}
	return st.input.Write(p)
}

func (st *streams) resize(rows, cols uint16) error {
	if !st.tty {
		return errors.New("resize process: it has no terminal; set Spec.TTY")
	}
	return pty.Setsize(st.input, &pty.Winsize{Rows: rows, Cols: cols})
}

func (st *streams) closeInput() error {
	if st.input == nil {
		return nil
	}
	if st.tty {
		_, err := st.input.Write([]byte{endOfFile})
		return err
	}
	return st.input.Close()
}
