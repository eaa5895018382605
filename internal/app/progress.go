package app

import (
	"fmt"
	"io"
	"strings"
)

// progress draws a bar on a terminal and nothing elsewhere.
type progress struct {
	out   io.Writer // nil: draw nothing
	label string
	shown int // per mille
}

func newProgress(env Env, label string) *progress {
	p := &progress{label: label, shown: -1}
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
	_, _ = fmt.Fprintf(p.out, "\r%s [%s%s] %d of %d", p.label, strings.Repeat("#", full), strings.Repeat(".", barWidth-full), done, total)
}

func (p *progress) end() {
	if p.out != nil && p.shown >= 0 {
		_, _ = fmt.Fprint(p.out, "\r\x1b[K")
	}
}
