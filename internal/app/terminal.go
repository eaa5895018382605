package app

import (
	"os"

	"golang.org/x/term"

	"proctor/executor/sandbox"
	"proctor/executor/tool/direct"
	"proctor/internal/cli"
)

// streams gives the command streams like ours: a terminal stays one, and what is the same file here is one stream there,
// so that the order of its lines is kept. Attach relays while the command runs: before, the terminal is that of a person who may be asked.
func (r *run) streams(o *direct.Options) (attach func(sandbox.Process) (detach func())) {
	attach = func(sandbox.Process) func() { return func() {} }
	in, out, errs := cli.File(r.env.Stdin), cli.File(r.env.Stdout), cli.File(r.env.Stderr)
	o.Stdin = in
	switch {
	case r.command.JSON: // standard output is for the lines
		return attach
	case r.command.Unrecorded:
		o.Stdout, o.Stderr = out, errs
		return attach
	}
	o.Show = r.show
	if in != nil && r.env.StdinTerminal && r.env.StdoutTerminal && r.env.StderrTerminal {
		o.Stdin, o.TTY = nil, true
		o.Rows, o.Cols = size(in)
		return func(p sandbox.Process) func() { return r.raw(in, p) }
	}
	o.StdoutTTY, o.StderrTTY = r.env.StdoutTerminal, r.env.StderrTerminal
	if o.Merged = same(out, errs); o.Merged {
		o.StderrTTY = false
	}
	if o.StdoutTTY || o.StderrTTY {
		o.Rows, o.Cols = size(errs)
	}
	return attach
}

// raw hands the terminal over to the command until detach is called.
func (r *run) raw(in *os.File, p sandbox.Process) (detach func()) {
	state, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		cli.Warn(r.env, "the terminal stays in line mode: "+err.Error())
		return relay(in, p)
	}
	stop := relay(in, p)
	return func() { stop(); _ = term.Restore(int(in.Fd()), state) }
}

func same(a, b *os.File) bool {
	if a == nil || b == nil {
		return false
	}
	x, errX := a.Stat()
	y, errY := b.Stat()
	return errX == nil && errY == nil && os.SameFile(x, y)
}
