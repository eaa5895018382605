package ledger

import (
	_ "embed"
	"fmt"
	"sync"

	"github.com/klauspost/compress/s2"
)

// packedFrom is the first format of a directory whose contents may be packed.
const packedFrom = 2

// packed1 begins content that is packed: an S2 block made with the first dictionary follows. What is not packed begins with '{'.
const packed1 = 1

// dictionary1 is text as contents have it. It is part of the format: changing a byte of it makes contents unreadable.
//
//go:embed content.dict
var dictionary1 []byte

// packing is the dictionary with the repeat offset that S2 wants before it.
var packing = sync.OnceValue(func() *s2.Dict { return s2.NewDict(append([]byte{0}, dictionary1...)) })

// pack makes content smaller before it is sealed, since what is sealed cannot be compressed; content itself when that gains nothing. What does
// not begin as content does is always packed, so that it is not taken for something packed.
func pack(content []byte) []byte {
	if len(content) == 0 {
		return content
	}
	scratch := rooms.Get().(*[]byte) //nolint:forcetypeassert // only these are put in
	defer rooms.Put(scratch)
	if most := s2.MaxEncodedLen(len(content)); cap(*scratch) < most {
		*scratch = make([]byte, most)
	}
	out := packBlock((*scratch)[:cap(*scratch)], content)
	if 1+len(out) >= len(content) && content[0] == '{' {
		return content
	}
	return append(append(make([]byte, 0, 1+len(out)), packed1), out...)
}

// rooms hold blocks while they are made.
var rooms = sync.Pool{New: func() any { return new([]byte) }}

// unpack gives what was packed, in scratch where that is large enough, and scratch back.
func unpack(plain, scratch []byte) (content, grown []byte, err error) {
	if len(plain) == 0 || plain[0] != packed1 {
		return plain, scratch, nil
	}
	n, err := s2.DecodedLen(plain[1:])
	if err == nil && n > maxContent {
		err = fmt.Errorf("%d bytes, at most %d are allowed", n, maxContent)
	}
	if err == nil {
		if cap(scratch) < n {
			scratch = make([]byte, n)
		}
		content, err = packing().Decode(scratch[:n], plain[1:])
	}
	if err != nil {
		return nil, scratch, fmt.Errorf("unpack content: %w: %w", err, ErrDamaged)
	}
	return content, scratch, nil
}
