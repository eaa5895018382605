package execserver

import (
	"slices"
	"sync"
)

// maxRetained bounds the output of a command that can be read again, in bytes.
const maxRetained = 1 << 20

// output is what a command said, as far as it can be read again. The zero value is empty.
type output struct {
	mu       sync.Mutex // guards the fields below
	seq      uint64     // of the last message
	chunks   []outputNotice
	retained int
	exitCode *int
	denied   bool
	closed   bool
	changed  chan struct{} // closed, and made anew, when anything changes
}

func (o *output) add(stream string, b []byte) outputNotice {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seq++
	n := outputNotice{Seq: o.seq, Stream: stream, Chunk: slices.Clone(b)}
	o.chunks = append(o.chunks, n)
	for o.retained += len(b); o.retained > maxRetained && len(o.chunks) > 1; o.chunks = o.chunks[1:] {
		o.retained -= len(o.chunks[0].Chunk)
	}
	o.wake()
	return n
}

func (o *output) exit(code int, denied bool) uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seq++
	o.exitCode, o.denied = &code, denied
	o.wake()
	return o.seq
}

func (o *output) close() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seq++
	o.closed = true
	o.wake()
	return o.seq
}

// wake is called with the lock held.
func (o *output) wake() {
	if o.changed != nil {
		close(o.changed)
		o.changed = nil
	}
}

// after are the messages after seq, at most limit bytes of output (at least one piece); wait is closed when there will be more.
func (o *output) after(seq uint64, limit int) (a readAnswer, wait <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	a = readAnswer{Chunks: []outputNotice{}, NextSeq: o.seq + 1, Exited: o.exitCode != nil, ExitCode: o.exitCode, Closed: o.closed, SandboxDenied: o.denied}
	size := 0
	for _, n := range o.chunks {
		if n.Seq <= seq {
			continue
		}
		if size += len(n.Chunk); size > limit && len(a.Chunks) > 0 {
			a.NextSeq = n.Seq
			break
		}
		a.Chunks = append(a.Chunks, n)
	}
	if o.changed == nil {
		o.changed = make(chan struct{})
	}
	return a, o.changed
}
