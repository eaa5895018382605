package ledger

import (
	"encoding/binary"
	"math/bits"
	"sync"
)

// The S2 library begins each block made with a dictionary by clearing 64 KiB, which for the usual content of some hundred bytes takes longer than
// all else that its writer does for a record. Small contents are therefore packed here, in the same format and for the same decoder: literals,
// copies of at least minMatch bytes from the block or the dictionary before it, and S2's repeats for what of a copy is left over.
// Format: https://github.com/google/snappy/blob/main/format_description.txt; repeats and dictionaries: documentation of klauspost/compress/s2.
const (
	maxSmall  = 8 << 10 // bytes of a small content
	minMatch  = 4
	smallBits = 11 // of a place in the table of a block
	dictBits  = 13 // of a place in the table of the dictionary
)

// dictionaryPlaces leads from the hash of four bytes to one more than their last place in the dictionary; 0 is nowhere.
var dictionaryPlaces = sync.OnceValue(func() *[1 << dictBits]uint16 {
	var t [1 << dictBits]uint16
	for i := range len(dictionary1) - minMatch + 1 {
		t[hash4(binary.LittleEndian.Uint32(dictionary1[i:]), dictBits)] = uint16(i + 1)
	}
	return &t
})

func hash4(four uint32, width int) uint32 { return four * 2654435761 >> (32 - width) }

// packSmall makes an S2 block of at most [maxSmall] bytes in dst, which has room for [s2.MaxEncodedLen] of them, and returns its length.
func packSmall(dst, src []byte) int {
	d := binary.PutUvarint(dst, uint64(len(src)))
	var places [1 << smallBits]uint16 // one more than the last place
	known := dictionaryPlaces()
	from := 0 // what lies before is written
	for at := 0; at+minMatch <= len(src); {
		four := binary.LittleEndian.Uint32(src[at:])
		h := hash4(four, smallBits)
		near := int(places[h]) - 1
		places[h] = uint16(at + 1)
		var offset, length int
		if near >= 0 && binary.LittleEndian.Uint32(src[near:]) == four {
			offset, length = at-near, minMatch+alike(src[near+minMatch:], src[at+minMatch:])
		} else if far := int(known[hash4(four, dictBits)]) - 1; far >= 0 && binary.LittleEndian.Uint32(dictionary1[far:]) == four {
			offset, length = at+len(dictionary1)-far, minMatch+alike(dictionary1[far+minMatch:], src[at+minMatch:])
		} else {
			at += 1 + (at-from)>>4 // what did not repeat for long will not soon
			continue
		}
		d += putLiteral(dst[d:], src[from:at])
		d += putCopy(dst[d:], offset, length)
		at += length
		from = at
	}
	return d + putLiteral(dst[d:], src[from:])
}

// alike counts the bytes that a and b begin alike with.
func alike(a, b []byte) int {
	n, most := 0, min(len(a), len(b))
	for ; n+8 <= most; n += 8 {
		if differ := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); differ != 0 {
			return n + bits.TrailingZeros64(differ)>>3
		}
	}
	for n < most && a[n] == b[n] {
		n++
	}
	return n
}

func putLiteral(dst, text []byte) int {
	const tag = 0
	n := len(text) - 1
	switch {
	case n < 0:
		return 0
	case n < 60:
		dst[0] = byte(n)<<2 | tag
		return 1 + copy(dst[1:], text)
	case n < 1<<8:
		dst[0], dst[1] = 60<<2|tag, byte(n)
		return 2 + copy(dst[2:], text)
	default:
		dst[0], dst[1], dst[2] = 61<<2|tag, byte(n), byte(n>>8) //nolint:gosec // the bytes of n
		return 3 + copy(dst[3:], text)
	}
}

// putCopy says once where a copy comes from, and repeats that for what is longer than one says.
func putCopy(dst []byte, offset, length int) int {
	const tag1, tag2 = 1, 2
	first := length
	if length > 64 {
		first = 64
		if length-first < minMatch {
			first = length - minMatch
		}
	}
	var d int
	if first < 12 && offset < 1<<11 {
		dst[0], dst[1] = byte(offset>>8)<<5|byte(first-minMatch)<<2|tag1, byte(offset) //nolint:gosec // the bytes of offset
		d = 2
	} else {
		dst[0], dst[1], dst[2] = byte(first-1)<<2|tag2, byte(offset), byte(offset>>8) //nolint:gosec // likewise
		d = 3
	}
	switch rest := length - first; {
	case rest == 0:
	case rest <= 8:
		dst[d], dst[d+1] = byte(rest-4)<<2|tag1, 0 //nolint:gosec // at most 4
		d += 2
	case rest < 8+1<<8:
		dst[d], dst[d+1], dst[d+2] = 5<<2|tag1, 0, byte(rest-8)
		d += 3
	default:
		rest -= 4 + 1<<8
		dst[d], dst[d+1], dst[d+2], dst[d+3] = 6<<2|tag1, 0, byte(rest), byte(rest>>8) //nolint:gosec // the bytes of rest
		d += 4
	}
	return d
}

// packBlock makes an S2 block of content in dst, which has room for [s2.MaxEncodedLen] of it.
func packBlock(dst, content []byte) []byte {
	if len(content) <= maxSmall {
		return dst[:packSmall(dst, content)]
	}
	return packing().Encode(dst, content)
}
