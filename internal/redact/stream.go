package redact

import (
	"errors"
	"io"
	"strings"
)

// Stream masks a text that comes in pieces, so that a secret which is cut in two is still found. It holds back what may
// still become one: as a rule the window of a keyword that was just seen, at most 64 KiB. However the text is cut, the
// outcome is that of [Rules.Mask]. It is for one goroutine. It implements [event.Filter].
type Stream struct {
	rules *Rules
	field string
	key   Key
	scan  *scan
	sent  int // offset in the whole up to which text went out
}

// Stream begins a text; field, sure and key are those of [Rules.Mask].
func (r *Rules) Stream(field string, sure bool, key Key) *Stream {
	return &Stream{rules: r, field: field, key: key, scan: newScan(r, sure)}
}

// Write takes the next piece and returns what is settled.
func (s *Stream) Write(piece string) (string, []Receipt) {
	if s.scan.text == "" {
		s.scan.text = strings.Clone(piece)
	} else {
		s.scan.text += piece
	}
	return s.settle(false)
}

// Flush ends the text and returns the rest. What is written afterwards is another text.
func (s *Stream) Flush() (string, []Receipt) {
	out, receipts := s.settle(true)
	s.scan, s.sent = newScan(s.rules, s.scan.sure), 0
	return out, receipts
}

// Held is how many bytes are held back.
func (s *Stream) Held() int { return s.scan.base + len(s.scan.text) - s.sent }

func (s *Stream) settle(final bool) (string, []Receipt) {
	c := s.scan
	settled := c.advance(final)
	if settled <= s.sent {
		return "", nil
	}
	out, receipts := s.rules.cut(s.field, c.text[s.sent-c.base:settled-c.base], s.sent, c.take(settled), s.key)
	s.sent = settled
	if drop := settled - c.base - lookBehind; drop > 0 { // a match may look at what is before it
		c.text, c.base, c.done = c.text[drop:], c.base+drop, c.done-drop
	}
	return out, receipts
}

// NewWriter masks what is written to it on its way to w. Close writes the rest; it does not close w.
func (r *Rules) NewWriter(w io.Writer, key Key) io.WriteCloser {
	return &maskWriter{w: w, s: r.Stream("", false, key)}
}

type maskWriter struct {
	w io.Writer
	s *Stream
}

func (m *maskWriter) Write(p []byte) (int, error) {
	out, _ := m.s.Write(string(p))
	if _, err := io.WriteString(m.w, out); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (m *maskWriter) Close() error {
	out, _ := m.s.Flush()
	_, err := io.WriteString(m.w, out)
	return err
}

// NewReader masks what is read from r.
func (r *Rules) NewReader(in io.Reader, key Key) io.Reader {
	return &maskReader{in: in, s: r.Stream("", false, key), buf: make([]byte, 32<<10)}
}

type maskReader struct {
	in  io.Reader
	s   *Stream
	buf []byte
	out string
	err error
}

func (m *maskReader) Read(p []byte) (int, error) {
	for m.out == "" && m.err == nil {
		var n int
		n, m.err = m.in.Read(m.buf)
		m.out, _ = m.s.Write(string(m.buf[:n]))
		if errors.Is(m.err, io.EOF) {
			rest, _ := m.s.Flush()
			m.out += rest
		}
	}
	if m.out == "" {
		return 0, m.err
	}
	n := copy(p, m.out)
	m.out = m.out[n:]
	return n, nil
}
