package app

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"proctor/internal/cli"
)

// progress draws a bar on a terminal and nothing elsewhere.
type progress struct {
	out   io.Writer // nil: draw nothing
	label string
	shown int // per mille
	unit  func(uint64) string
}

func newProgress(env cli.Env, label string) *progress {
	p := &progress{label: label, shown: -1, unit: func(n uint64) string { return strconv.FormatUint(n, 10) }}
	if env.StderrTerminal {
		p.out = env.Stderr
	}
	return p
}

const barWidth = 40

func (p *progress) update(done, total uint64) {
	if p.out == nil || total == 0 {
		return
	}
	now := int(done * 1000 / total) //nolint:gosec // at most 1000
	if now == p.shown {
		return
	}
	p.shown = now
	full := now * barWidth / 1000
	_, _ = fmt.Fprintf(p.out, "\r%s [%s%s] %s of %s\x1b[K", p.label, strings.Repeat("#", full), strings.Repeat(".", barWidth-full), p.unit(done), p.unit(total))
}

// bytes is update for work that is measured in bytes.
func (p *progress) bytes(done, total uint64) {
	p.unit = sizeText
	p.update(done, total)
}

func (p *progress) end() {
	if p.out != nil && p.shown >= 0 {
		_, _ = fmt.Fprint(p.out, "\r\x1b[K")
	}
}
