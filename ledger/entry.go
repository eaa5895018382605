package ledger

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"proctor/event"
)

// MaxEntry bounds an entry: C2SP tiles prefix entries with a 16-bit length.
const MaxEntry = 65_535

const timeLayout = "2006-01-02T15:04:05.000000Z"

// The members of an entry, in their only order; v is the version of these.
const (
	memberIndex      = `{"v":1,"index":`
	memberReceived   = `,"received":"`
	memberSessionSeq = `","session_seq":`
	memberEvent      = `,"event":`
)

// stored is a decoded entry; its public part is not looked into.
type stored struct {
	index      event.Seq
	received   time.Time
	sessionSeq uint64
	public     []byte
}

// appendEntry appends the entry, the bytes that the leaf hash covers.
func appendEntry(dst []byte, s stored) []byte {
	dst = append(dst, memberIndex...)
	dst = strconv.AppendUint(dst, uint64(s.index), 10)
	dst = append(dst, memberReceived...)
	dst = s.received.UTC().AppendFormat(dst, timeLayout)
	dst = append(dst, memberSessionSeq...)
	dst = strconv.AppendUint(dst, s.sessionSeq, 10)
	dst = append(dst, memberEvent...)
	dst = append(dst, s.public...)
	return append(dst, '}')
}

// parseEntry reads what appendEntry wrote and nothing else: another order, space or number form is refused.
func parseEntry(b []byte) (stored, error) {
	if len(b) > MaxEntry {
		return stored{}, fmt.Errorf("entry has %d bytes, at most %d are allowed", len(b), MaxEntry)
	}
	var s stored
	rest, ok := bytes.CutPrefix(b, []byte(memberIndex))
	index, rest, ok := number(rest, ok)
	s.index = event.Seq(index)
	rest, ok = cut(rest, memberReceived, ok)
	if !ok || len(rest) < len(timeLayout) {
		return stored{}, fmt.Errorf("entry does not begin with %s…%s", memberIndex, memberReceived)
	}
	if s.received, ok = event.ParseTime(string(rest[:len(timeLayout)])); !ok {
		return stored{}, fmt.Errorf("entry %d: receive time %q is not of the form %s", s.index, rest[:len(timeLayout)], timeLayout)
	}
	rest, ok = cut(rest[len(timeLayout):], memberSessionSeq, true)
	s.sessionSeq, rest, ok = number(rest, ok)
	rest, ok = cut(rest, memberEvent, ok)
	if !ok || len(rest) < 3 || rest[0] != '{' || rest[len(rest)-1] != '}' || rest[len(rest)-2] != '}' {
		return stored{}, fmt.Errorf("entry %d does not hold %s and %s{…}", s.index, memberSessionSeq, memberEvent)
	}
	s.public = rest[: len(rest)-1 : len(rest)-1]
	return s, nil
}

func cut(b []byte, prefix string, ok bool) ([]byte, bool) {
	if !ok {
		return nil, false
	}
	return bytes.CutPrefix(b, []byte(prefix))
}

// number reads a decimal without leading zeros.
func number(b []byte, ok bool) (uint64, []byte, bool) {
	i := 0
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	if !ok || i == 0 || i > 1 && b[0] == '0' {
		return 0, nil, false
	}
	n, err := strconv.ParseUint(string(b[:i]), 10, 64)
	return n, b[i:], err == nil
}

// leafHash is the hash of a leaf in RFC 6962 section 2.1.
func leafHash(entry []byte) event.Hash {
	h, _ := leafHashIn(nil, entry)
	return h
}

// leafHashIn is leafHash for many entries: it uses scratch, and gives it back.
func leafHashIn(scratch, entry []byte) (event.Hash, []byte) {
	scratch = append(append(scratch[:0], 0), entry...)
	return sum(scratch), scratch
}
