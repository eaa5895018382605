//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// rawSandbox is a sandboxed command exactly as proctor starts it, without proctor.
type rawSandbox struct {
	bwrap, options, seccomp string
	argv                    []string
	missing                 []string // mount sources that proctor makes for the time of a command
}

// caught is what the recorder looks for, so that it does not take a probe of proctor's for the command.
const caught = ": caught"

// recorder stands in for bwrap on PATH: it keeps what it was given and goes on as the real one.
const recorder = `#!/bin/sh
for last; do :; done
if [ "$last" = '%[3]s' ]; then
	cat /proc/self/fd/3 >'%[1]s/options'
	cat /proc/self/fd/4 >'%[1]s/seccomp'
	printf '%%s\0' "$@" >'%[1]s/argv'
fi
exec '%[2]s' "$@"
`

// catch runs one supervised command of a turn under the recorder.
func catch(ctx context.Context, c contender, bwrap, command string) (*rawSandbox, error) {
	raw, err := catchCall(filepath.Join(filepath.Dir(c.dir), "raw"), bwrap, func(bin string) error {
		c.path = bin
		_, err := c.exec(ctx, script(caught, 1), false)
		return err
	})
	if err == nil {
		raw.argv[len(raw.argv)-1] = command
	}
	return raw, err
}

// catchCall runs something with the recorder for bwrap in the folder bin, and returns the call whose last argument was caught.
func catchCall(dir, bwrap string, run func(bin string) error) (*rawSandbox, error) {
	bin := filepath.Join(dir, "bin")
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(bin, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(bin, "bwrap"), fmt.Appendf(nil, recorder, dir, bwrap, caught), 0o700); err != nil {
		return nil, err
	}
	if err := run(bin); err != nil {
		return nil, err
	}
	argv, err := os.ReadFile(filepath.Join(dir, "argv"))
	if err != nil {
		return nil, fmt.Errorf("no bwrap call was seen: %w", err)
	}
	options, err := os.ReadFile(filepath.Join(dir, "options"))
	if err != nil {
		return nil, err
	}
	raw := &rawSandbox{bwrap: bwrap, options: filepath.Join(dir, "options"), seccomp: filepath.Join(dir, "seccomp"), argv: words(argv)}
	all := words(options)
	for i, w := range all {
		if (w == "--ro-bind" || w == "--bind") && i+1 < len(all) {
			if _, err := os.Lstat(all[i+1]); errors.Is(err, os.ErrNotExist) {
				raw.missing = append(raw.missing, all[i+1])
			}
		}
	}
	return raw, nil
}

func words(b []byte) []string { return strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00") }

// run starts n commands one after the other; the sample holds each and the mean CPU time of one.
func (r *rawSandbox) run(ctx context.Context, n int) (s sample, err error) {
	for _, path := range r.missing {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return s, err
		}
		defer os.Remove(path)
	}
	before := childTime()
	for range n {
		began := time.Now()
		if err := r.once(ctx); err != nil {
			return s, err
		}
		s.calls = append(s.calls, time.Since(began))
	}
	reap() // bwrap leaves the init of its namespace to others
	s.wall, s.cpu = median(s.calls), (childTime()-before)/time.Duration(n)
	return s, nil
}

func (r *rawSandbox) once(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, r.bwrap, r.argv...)
	cmd.Env = []string{}
	for _, path := range []string{r.options, r.seccomp} {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	}
	read, write, err := os.Pipe() // for bwrap's status
	if err != nil {
		return err
	}
	defer read.Close()
	cmd.ExtraFiles = append(cmd.ExtraFiles, write)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Start()
	write.Close()
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, read); err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, out.String())
	}
	return nil
}
