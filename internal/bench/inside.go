//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/backend"
	"proctor/policy/filesystem"
)

// inside is what a process of its own does as a session would: it selects a backend once and starts commands with it, one after
// the other, or all at once to see what they take in memory.
type inside struct {
	Backend, Mode, State, Workspace string
	Argv, Env                       []string
	Times                           int
	Unsupervised, Memory            bool
}

// insideResult is what it prints.
type insideResult struct {
	Calls  []time.Duration
	CPU    time.Duration // of one start, mean
	Memory int64         // bytes of one running command, without the command
}

const insideArg = "inside"

// insideFlag returns what to do when this process was started for it.
func insideFlag() func() {
	if len(os.Args) != 3 || os.Args[1] != insideArg {
		return nil
	}
	return func() {
		var in inside
		err := json.Unmarshal([]byte(os.Args[2]), &in)
		var out insideResult
		if err == nil {
			out, err = in.run(context.Background())
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench inside:", err)
			os.Exit(1)
		}
		_ = json.NewEncoder(os.Stdout).Encode(out)
	}
}

func (in inside) run(ctx context.Context) (out insideResult, err error) {
	b, err := backend.Select(ctx, backend.Options{StateDir: in.State, Path: os.Getenv("PATH"), Executable: "/proc/self/exe", Only: in.Backend, Unsupervised: in.Unsupervised})
	if err != nil {
		return out, err
	}
	plan, err := sandbox.Plan(filesystem.Request{Mode: filesystem.Mode(in.Mode), WorkspaceRoots: []string{in.Workspace}, TmpDir: os.Getenv("TMPDIR")})
	if err != nil {
		return out, err
	}
	if k, ok := b.(sandbox.Keeper); ok {
		release, err := k.Keep(plan)
		if err != nil {
			return out, err
		}
		defer release()
	}
	spec := sandbox.Spec{Argv: in.Argv, Dir: in.Workspace, Env: in.Env, Plan: plan, OnDenial: func(sandbox.Denial) {}}
	if !in.Unsupervised {
		// As a session does: see tool.ChangeRoots.
		spec.OnChange, spec.ChangeRoots = func(sandbox.Change) {}, []string{in.Workspace}
	}
	if in.Memory {
		return in.memory(ctx, b, spec)
	}
	before := spentHere()
	for range in.Times {
		began := time.Now()
		if err := once(ctx, b, spec); err != nil {
			return out, err
		}
		out.Calls = append(out.Calls, time.Since(began))
	}
	out.CPU = (spentHere() - before) / time.Duration(in.Times)
	return out, nil
}

func once(ctx context.Context, b sandbox.Backend, spec sandbox.Spec) error {
	var said strings.Builder
	spec.OnOutput = func(_ sandbox.Stream, p []byte) { _, _ = limited{&said}.Write(p) }
	p, err := b.Start(ctx, spec)
	if err != nil {
		return err
	}
	if r := p.Wait(); r.ExitCode != 0 {
		return fmt.Errorf("%q ended with status %d: %s", spec.Argv, r.ExitCode, said.String())
	}
	return nil
}

// memory is how much private memory each of several commands adds to this process and to the processes between.
func (in inside) memory(ctx context.Context, b sandbox.Backend, spec sandbox.Spec) (out insideResult, err error) {
	if err := once(ctx, b, sandbox.Spec{Argv: []string{"true"}, Dir: spec.Dir, Env: spec.Env, Plan: spec.Plan}); err != nil {
		return out, err
	}
	before := supervision()
	var running []sandbox.Process
	for range in.Times {
		p, err := b.Start(ctx, spec)
		if err != nil {
			return out, err
		}
		running = append(running, p)
	}
	time.Sleep(100 * time.Millisecond) // until all sleep
	out.Memory = (supervision() - before) / int64(in.Times)
	for _, p := range running {
		p.Kill()
		p.Wait()
	}
	return out, nil
}

// supervision sums the private memory of this process and of the launchers and inits below it, in bytes.
func supervision() int64 {
	sum := private(os.Getpid())
	for _, pid := range descendants(os.Getpid()) {
		exe, _ := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe")
		if filepath.Base(exe) == "bwrap" || strings.HasPrefix(exe, "/memfd:") {
			sum += private(pid)
		}
	}
	return sum
}

func private(pid int) (bytes int64) {
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 1 && strings.HasPrefix(f[0], "Private_") {
			kb, _ := strconv.ParseInt(f[1], 10, 64)
			bytes += kb << 10
		}
	}
	return bytes
}

// spentHere is the CPU time of this process and of the children that it has waited for.
func spentHere() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano()+u.Stime.Nano()) + childTime()
}
