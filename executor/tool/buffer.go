package tool

import (
	"fmt"
	"strings"
)

// MaxAggregated bounds the output that is kept of one process, in bytes.
const MaxAggregated = 1 << 20

// Buffer keeps the first and the last half of what is written to it, at most MaxAggregated bytes.
// The zero value is empty and ready. It is not safe for concurrent use.
type Buffer struct {
	head  []byte
	tail  []byte // the last bytes, at most 2*half before compaction
	total int64
}

const half = MaxAggregated / 2

// Write never fails.
func (b *Buffer) Write(p []byte) (int, error) {
	n := len(p)
	b.total += int64(n)
	if room := half - len(b.head); room > 0 {
		take := min(room, len(p))
		b.head = append(b.head, p[:take]...)
		p = p[take:]
	}
	if len(p) > half {
		p = p[len(p)-half:]
	}
	b.tail = append(b.tail, p...)
	if len(b.tail) > 2*half {
		b.tail = append(b.tail[:0], b.tail[len(b.tail)-half:]...)
	}
	return n, nil
}

// Total is the number of bytes that were written.
func (b *Buffer) Total() int64 { return b.total }

// Omitted is the number of bytes that are not kept.
func (b *Buffer) Omitted() int64 {
	return b.total - int64(len(b.head)) - int64(min(len(b.tail), half))
}

// String is the kept text as valid UTF-8, with a line between the halves that says how much is missing.
func (b *Buffer) String() string {
	tail := b.tail[max(0, len(b.tail)-half):]
	if b.Omitted() == 0 {
		return strings.ToValidUTF8(string(b.head)+string(tail), "\uFFFD")
	}
	mark := fmt.Sprintf("\n... %d bytes omitted ...\n", b.Omitted())
	return strings.ToValidUTF8(string(b.head)+mark+string(tail), "\uFFFD")
}

// Reset empties the buffer.
func (b *Buffer) Reset() { *b = Buffer{} }
