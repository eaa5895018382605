package codex

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// zstdMagic begins a compressed source: Codex packs old rollouts as .jsonl.zst.
var zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}

// maxWindow bounds the memory of decompression, in bytes.
const maxWindow = 64 << 20

// decompress is the text of a source, at most most bytes of it; done ends the reading.
func decompress(r io.Reader, most int64) (text io.Reader, done func(), err error) {
	in := bufio.NewReader(r)
	head, err := in.Peek(len(zstdMagic))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	if !bytes.Equal(head, zstdMagic) {
		return &bounded{in: in, left: most, most: most}, func() {}, nil
	}
	z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, nil, fmt.Errorf("decompress: %w", err)
	}
	return &bounded{in: z, left: most, most: most}, z.Close, nil
}

// bounded fails with ErrTooLarge where io.LimitReader would end.
type bounded struct {
	in         io.Reader
	left, most int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.in.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return 0, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, b.most)
	}
	return n, err
}
