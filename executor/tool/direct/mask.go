package direct

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"

	"proctor/event"
	"proctor/executor/sandbox"
	"proctor/executor/tool"
)

// Mask takes secret texts out of what a command says before anybody hears it: out of its output, also where a text is
// split over two pieces, and out of the paths of denials and changes. Forms it knows: the text itself, escaped for a URL,
// and in base64 as a whole. It prints nothing of them.
type Mask struct {
	forms   []form // the longest first
	longest int
}

type form struct {
	name string
	text func() string
}

// Named is one secret. Its text is held by a function: fmt looks into unexported fields without asking their types how
// they want to be printed, and of a function it prints an address.
type Named struct {
	Name string
	text func() string
}

// Secret makes a Named.
func Secret(name, text string) Named { return Named{name, func() string { return text }} }

// Reveal is the text, for where it is used.
func (n Named) Reveal() string { return n.text() }

// NewMask makes a mask; empty texts are left out.
func NewMask(secrets ...Named) *Mask {
	m := &Mask{}
	for _, s := range secrets {
		text := s.Reveal()
		for _, t := range slices.Compact([]string{text, url.QueryEscape(text), url.PathEscape(text), base64.StdEncoding.EncodeToString([]byte(text))}) {
			if text != "" {
				m.forms = append(m.forms, form{s.Name, func() string { return t }})
				m.longest = max(m.longest, len(t))
			}
		}
	}
	slices.SortStableFunc(m.forms, func(a, b form) int { return len(b.text()) - len(a.text()) })
	return m
}

// Text is s without secrets: each becomes [NAME].
func (m *Mask) Text(s string) string {
	for _, f := range m.forms {
		t := f.text()
		s = strings.ReplaceAll(s, t, "["+f.name+"]")
	}
	return s
}

// Find is the name of a secret in b, or "".
func (m *Mask) Find(b []byte) string {
	for _, f := range m.forms {
		t := f.text()
		if bytes.Contains(b, []byte(t)) {
			return f.name
		}
	}
	return ""
}

// Longest is the length of the longest form, in bytes.
func (m *Mask) Longest() int { return m.longest }

// masked is an observer behind a mask. Output of a stream is held back as long as it may be the beginning of a secret.
type masked struct {
	tool.Observer
	mask *Mask
	held map[sandbox.Stream]string // used by one goroutine at a time, as OnOutput is
}

func (o *masked) output(s sandbox.Stream, p []byte, emit func(sandbox.Stream, []byte)) {
	text := o.mask.Text(o.held[s] + string(p))
	keep := o.mask.beginning(text)
	o.held[s] = text[len(text)-keep:]
	if out := text[:len(text)-keep]; out != "" {
		emit(s, []byte(out))
	}
}

// flush gives what was held back.
func (o *masked) flush(emit func(sandbox.Stream, []byte)) {
	for _, s := range []sandbox.Stream{sandbox.Stdout, sandbox.Stderr} {
		if o.held[s] != "" {
			emit(s, []byte(o.held[s]))
			delete(o.held, s)
		}
	}
}

// beginning is the length of the longest end of s that begins a secret.
func (m *Mask) beginning(s string) int {
	for n := min(len(s), m.longest-1); n > 0; n-- {
		for _, f := range m.forms {
			if t := f.text(); len(t) > n && strings.HasPrefix(t, s[len(s)-n:]) {
				return n
			}
		}
	}
	return 0
}

// Denied implements tool.Observer.
func (o *masked) Denied(d sandbox.Denial) {
	d.Path, d.Address, d.Program = o.mask.Text(d.Path), o.mask.Text(d.Address), o.mask.Text(d.Program)
	o.Observer.Denied(d)
}

// Changed implements tool.Observer.
func (o *masked) Changed(c event.FileChangePayload) {
	c.Path, c.MoveTo = o.mask.Text(c.Path), o.mask.Text(c.MoveTo)
	diff, _ := c.Diff.Reveal()
	c.Diff = event.Secret(o.mask.Text(diff))
	o.Observer.Changed(c)
}
