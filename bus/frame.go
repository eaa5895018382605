package bus

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"proctor/event"
)

// A message is a version byte and, for each event, its public part and its
// content, each behind a 32-bit big-endian length. It never leaves the machine.
const frameVersion = 1

// maxEvents bounds the events of one submission; the ledger allows fewer.
const maxEvents = 1 << 16

var errFrame = errors.New("malformed bus message")

func encodeFrames(batch []event.Encoded) []byte {
	return appendFrames(make([]byte, 0, framesSize(batch)), batch)
}

// framesSize is the length of what appendFrames appends.
func framesSize(batch []event.Encoded) int {
	n := 1
	for _, e := range batch {
		n += 8 + len(e.Public) + len(e.Content)
	}
	return n
}

func appendFrames(b []byte, batch []event.Encoded) []byte {
	return appendEvents(append(b, frameVersion), batch)
}

func appendEvents(b []byte, batch []event.Encoded) []byte {
	for _, e := range batch {
		b = appendBytes(b, e.Public)
		b = appendBytes(b, e.Content)
	}
	return b
}

func decodeFrames(b []byte) ([]event.Encoded, error) {
	if len(b) == 0 || b[0] != frameVersion {
		return nil, fmt.Errorf("%w: unknown version", errFrame)
	}
	b = b[1:]
	var batch []event.Encoded
	for len(b) > 0 {
		if len(batch) == maxEvents {
			return nil, fmt.Errorf("%w: more than %d events", errFrame, maxEvents)
		}
		var e event.Encoded
		var err error
		if e.Public, b, err = cutBytes(b); err != nil {
			return nil, err
		}
		if e.Content, b, err = cutBytes(b); err != nil {
			return nil, err
		}
		batch = append(batch, e)
	}
	if len(batch) == 0 {
		return nil, fmt.Errorf("%w: no event", errFrame)
	}
	return batch, nil
}

func appendBytes(b, p []byte) []byte {
	return append(appendLength(b, len(p)), p...)
}

func appendLength(b []byte, n int) []byte {
	return binary.BigEndian.AppendUint32(b, uint32(min(n, math.MaxUint32))) //nolint:gosec // bounded
}

// cutBytes returns nil for an empty field, so that absent content stays nil.
func cutBytes(b []byte) (field, rest []byte, err error) {
	if len(b) < 4 {
		return nil, nil, fmt.Errorf("%w: length cut off", errFrame)
	}
	n := uint64(binary.BigEndian.Uint32(b))
	b = b[4:]
	if n > uint64(len(b)) {
		return nil, nil, fmt.Errorf("%w: field of %d bytes, %d are left", errFrame, n, len(b))
	}
	if n == 0 {
		return nil, b, nil
	}
	return b[:n:n], b[n:], nil
}

// An answer is a version byte and receipts, or an error: a zero byte, the code of its [event.Fault] behind one byte of
// length, and its text.
const receiptSize = 36 + 8 + 8 + 32 + 8

func encodeReceipts(receipts []event.Receipt) []byte {
	return appendReceipts(make([]byte, 0, 1+receiptSize*len(receipts)), receipts)
}

func appendReceipts(b []byte, receipts []event.Receipt) []byte {
	b = append(b, frameVersion)
	for _, r := range receipts {
		var id [36]byte
		copy(id[:], r.ID)
		b = append(b, id[:]...)
		b = binary.BigEndian.AppendUint64(b, uint64(r.Seq))
		b = binary.BigEndian.AppendUint64(b, r.SessionSeq)
		b = append(b, r.Leaf[:]...)
		b = binary.BigEndian.AppendUint64(b, uint64(r.Received.UnixMicro()))
	}
	return b
}

func decodeReceipts(b []byte) ([]event.Receipt, error) {
	if len(b) == 0 || b[0] != frameVersion || (len(b)-1)%receiptSize != 0 {
		return nil, fmt.Errorf("%w: answer of %d bytes", errFrame, len(b))
	}
	b = b[1:]
	receipts := make([]event.Receipt, 0, len(b)/receiptSize)
	for ; len(b) > 0; b = b[receiptSize:] {
		receipts = append(receipts, event.Receipt{
			ID:         event.ID(b[:36]),
			Seq:        event.Seq(binary.BigEndian.Uint64(b[36:])),
			SessionSeq: binary.BigEndian.Uint64(b[44:]),
			Leaf:       event.Hash(b[52:84]),
			Received:   time.UnixMicro(int64(binary.BigEndian.Uint64(b[84:]))).UTC(), //nolint:gosec // round trip
		})
	}
	return receipts, nil
}

func encodeError(err error) []byte { return appendError(nil, err) }

func appendError(b []byte, err error) []byte {
	code := event.FaultCode(err)
	if len(code) > event.MaxFaultCode {
		code = ""
	}
	b = append(b, 0, byte(len(code))) //nolint:gosec // at most MaxFaultCode
	return append(append(b, code...), err.Error()...)
}

// decodeError reads an answer that is no receipts; nil when it is no error either.
func decodeError(b []byte) error {
	if len(b) == 0 || b[0] != 0 {
		return nil
	}
	if len(b) < 2 || b[1] > event.MaxFaultCode || int(b[1]) > len(b)-2 {
		return fmt.Errorf("%w: error of %d bytes", errFrame, len(b))
	}
	code, text := string(b[2:2+b[1]]), string(b[2+b[1]:])
	if code == "" {
		return errors.New(text)
	}
	return event.Fault{Code: code, Text: text}
}

// encodeAnswers makes one message of the answers to the submissions of another, each behind its length.
func encodeAnswers(list []outcome) []byte {
	n := 0
	for _, o := range list {
		n += 4 + 1 + receiptSize*len(o.receipts)
	}
	b := make([]byte, 0, n)
	for _, o := range list {
		at := len(b)
		if b = appendLength(b, 0); o.err != nil {
			b = appendError(b, o.err)
		} else {
			b = appendReceipts(b, o.receipts)
		}
		appendLength(b[:at], len(b)-at-4)
	}
	return b
}

func decodeAnswers(data []byte) ([]outcome, error) {
	parts, err := cutAll(data)
	list := make([]outcome, len(parts))
	for i, answer := range parts {
		if list[i].err = decodeError(answer); list[i].err == nil {
			list[i].receipts, list[i].err = decodeReceipts(answer)
		}
	}
	return list, err
}
