//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"text/tabwriter"
)

// starts is how often a contender starts its command in one round.
const starts = 3

func backends() []string { return []string{"bwrap", "native"} }
func modes() []string    { return []string{"read-only", "workspace-write"} }

// startTasks measure the start of a confined true: raw bwrap with the same mounts, proctor within a run and as a
// process of its own, and the real codex sandbox.
func (s settings) startTasks(ctx context.Context, r *results) ([]task, error) {
	tasks := []task{
		{"true", func(ctx context.Context) (sample, error) { return repeat(ctx, starts, "true") }},
		{"proctor version", func(ctx context.Context) (sample, error) { return repeat(ctx, starts, s.proctor, "version") }},
	}
	if s.bwrap == "" {
		return nil, errors.New("no bwrap on PATH: there is nothing to compare with")
	}
	for _, mode := range modes() {
		for _, backend := range backends() {
			w := world{dir: filepath.Join(s.dir, "start", backend), backend: backend}
			if err := w.prepare(ctx); err != nil {
				return nil, err
			}
			args := []string{"sandbox", "-c", fmt.Sprintf("sandbox_mode=%q", mode), "--"}
			if backend == "bwrap" {
				raw, err := catchCall(filepath.Join(s.dir, "start", "raw "+mode), s.bwrap, func(bin string) error {
					return w.command(ctx, bin, s.proctor, append(args, "sh", "-c", caught)...).Run()
				})
				if err != nil {
					return nil, fmt.Errorf("catch the call of bwrap: %w", err)
				}
				raw.argv = append(raw.argv[:slices.Index(raw.argv, "--")+1], "true")
				tasks = append(tasks, task{"raw bwrap, " + mode, func(ctx context.Context) (sample, error) { return raw.run(ctx, starts) }})
			}
			in := w.inside(mode, "true")
			sleeping := w.inside(mode, "sleep", "60")
			sleeping.Memory = true
			tasks = append(tasks,
				task{"inside, " + backend + ", " + mode, in.start},
				task{"inside, " + backend + ", " + mode + ", memory", sleeping.start},
				task{"process, " + backend + ", " + mode, func(ctx context.Context) (sample, error) {
					return w.times(ctx, s.proctor, append(args, "true")...)
				}})
		}
		if s.codex != "" {
			w := world{dir: filepath.Join(s.dir, "start", "codex")}
			if err := w.prepare(ctx); err != nil {
				return nil, err
			}
			tasks = append(tasks, task{"codex sandbox, " + mode, func(ctx context.Context) (sample, error) {
				return w.times(ctx, s.codex, "sandbox", "-c", fmt.Sprintf("sandbox_mode=%q", mode), "--", "true")
			}})
		}
	}
	return tasks, nil
}

// world is the home, the state and the workspace of one contender.
type world struct{ dir, backend string }

func (w world) prepare(ctx context.Context) error {
	if err := (contender{dir: w.dir}).prepare(ctx); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(w.dir, "state", "proctor.toml"), fmt.Appendf(nil, "[sandbox]\nbackend = %q\n", w.backend), 0o600)
}

func (w world) command(ctx context.Context, path, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = filepath.Join(w.dir, "ws")
	cmd.Env = contender{dir: w.dir, path: path}.environ()
	return cmd
}

// times runs a command several times; the sample is the median wall time and the mean CPU time of one.
func (w world) times(ctx context.Context, name string, args ...string) (s sample, err error) {
	before := childTime()
	for range starts {
		got, err := clocked(w.command(ctx, "", name, args...), false)
		if err != nil {
			return s, err
		}
		s.calls = append(s.calls, got.wall)
	}
	s.wall, s.cpu = median(s.calls), (childTime()-before)/starts
	return s, nil
}

func (w world) inside(mode string, argv ...string) inside {
	return inside{Backend: w.backend, Mode: mode, State: filepath.Join(w.dir, "sandbox"), Workspace: filepath.Join(w.dir, "ws"),
		Argv: argv, Env: contender{dir: w.dir}.environ(), Times: starts + 1}
}

// start runs it; the first start of a process is left out, it is not the one inside a session.
func (in inside) start(ctx context.Context) (s sample, err error) {
	b, err := json.Marshal(in)
	if err != nil {
		return s, err
	}
	cmd := exec.CommandContext(ctx, "/proc/self/exe", insideArg, string(b))
	cmd.Env, cmd.Stderr = in.Env, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return s, err
	}
	reap()
	var got insideResult
	if err := json.Unmarshal(out, &got); err != nil {
		return s, err
	}
	if !in.Memory {
		s.calls = got.Calls[min(1, len(got.Calls)-1):]
		s.wall, s.cpu = median(s.calls), got.CPU
	}
	s.tree = got.Memory
	return s, nil
}

func (r *results) printStart(w io.Writer, s settings) {
	slices.Sort(r.names)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%d interleaved rounds of %d starts of true; milliseconds as median (least)\n\n\twall\tCPU\tkB per running command\n", s.rounds, starts)
	for _, name := range r.names {
		kb := "-"
		if m := median(r.column(name, tree)); m != 0 {
			kb = fmt.Sprint(int64(m) >> 10)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", name, r.millis(name, wall), r.millis(name, cpu), kb)
	}
	fmt.Fprintln(t, "\nratio of wall times, median of the rounds\tmeasured\tgoal")
	for _, mode := range modes() {
		raw := "raw bwrap, " + mode
		r.ratio(t, "inside, bwrap : raw, "+mode, "1.3", "inside, bwrap, "+mode, raw, wall)
		r.ratio(t, "inside, native : raw, "+mode, "1.0", "inside, native, "+mode, raw, wall)
		for _, b := range backends() {
			r.ratio(t, "process, "+b+" : raw, "+mode, "2.0", "process, "+b+", "+mode, raw, wall)
			r.ratio(t, "process, "+b+" : codex, "+mode, "0.25", "process, "+b+", "+mode, "codex sandbox, "+mode, wall)
		}
	}
	t.Flush()
	for _, n := range r.notes {
		fmt.Fprintln(w, n)
	}
}
