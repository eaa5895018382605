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
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

const (
	ownExecutor = "codex exec, its own executor"
	ourExecutor = "codex exec, executor of proctor"
	hookName    = "proctor codex hook, running owner"
	// hookCalls is how often each program is started in one round.
	hookCalls = 40
)

// codexTasks are turns of the real Codex CLI that runs its commands itself and that leaves them to proctor, and one hook after the other
// with an owner of the ledger that runs.
func (s settings) codexTasks(ctx context.Context, r *results) ([]task, error) {
	var tasks []task
	if s.codex == "" {
		r.note("turns: left out, -codex names no binary")
	} else {
		for name, ours := range map[string]bool{ownExecutor: false, ourExecutor: true} {
			c := contender{name: name, binary: s.codex, dir: filepath.Join(s.dir, "codex", name), sandbox: s.sandbox}
			if err := c.prepare(ctx); err != nil {
				return nil, err
			}
			if err := s.asExecutor(c, ours); err != nil {
				return nil, err
			}
			tasks = append(tasks, task{name, func(ctx context.Context) (sample, error) { return c.exec(ctx, script(s.command, s.many), false) }})
		}
	}
	ask, err := s.hookOwner(ctx, r)
	if err != nil {
		return nil, err
	}
	return append(tasks, task{hookName, ask},
		task{"proctor version", func(ctx context.Context) (sample, error) { return oneByOne(ctx, nil, "", s.proctor, "version") }},
		task{"true", func(ctx context.Context) (sample, error) { return oneByOne(ctx, nil, "", "true") }}), nil
}

// asExecutor makes proctor the only executor of a contender, with the backend that it takes by itself.
func (s settings) asExecutor(c contender, ours bool) error {
	if err := os.Remove(filepath.Join(c.dir, "state", "proctor.toml")); err != nil {
		return err
	}
	environments := filepath.Join(c.dir, "home", "environments.toml")
	if !ours {
		return errors.Join(os.RemoveAll(environments))
	}
	return os.WriteFile(environments, fmt.Appendf(nil, "default = \"proctor\"\ninclude_local = false\n[[environments]]\nid = \"proctor\"\nprogram = %q\nargs = [\"codex\", \"exec-server\"]\n", s.proctor), 0o600)
}

// hookOwner starts proctor serve and returns what asks it.
func (s settings) hookOwner(ctx context.Context, r *results) (func(context.Context) (sample, error), error) {
	c := contender{dir: filepath.Join(s.dir, "codex", "hooks")}
	if err := errors.Join(os.RemoveAll(c.dir), c.prepare(ctx)); err != nil {
		return nil, err
	}
	owner := exec.CommandContext(ctx, s.proctor, "serve")
	owner.Env, owner.Dir = c.environ(), filepath.Join(c.dir, "ws")
	if err := owner.Start(); err != nil {
		return nil, err
	}
	r.after = append(r.after, func() { _ = owner.Process.Signal(os.Interrupt); _ = owner.Wait() })
	pass := filepath.Join(c.dir, "state", "ledger", "hooks.pass")
	for late := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(pass); err == nil {
			break
		}
		if time.Now().After(late) {
			return nil, errors.New("proctor serve does not answer hooks")
		}
	}
	payload := fmt.Sprintf(`{"hook_event_name":"PreToolUse","session_id":"bench","turn_id":"t","cwd":%q,"tool_name":"Bash","tool_use_id":"c","tool_input":{"command":"echo hi"}}`, owner.Dir)
	return func(ctx context.Context) (sample, error) {
		return oneByOne(ctx, c.environ(), payload, s.proctor, "codex", "hook")
	}, nil
}

// oneByOne runs a program again and again, each with the same input, and notes how long each took.
func oneByOne(ctx context.Context, env []string, input, program string, args ...string) (s sample, err error) {
	for range hookCalls {
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Env, cmd.Stdin = env, strings.NewReader(input)
		began := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil || input != "" && len(out) > 0 {
			return s, fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, out)
		}
		s.calls = append(s.calls, time.Since(began))
	}
	return s, nil
}

// allCalls are the calls of all rounds in order of their length.
func (r *results) allCalls(name string) (out []time.Duration) {
	for _, s := range r.samples[name] {
		out = append(out, s.calls...)
	}
	slices.Sort(out)
	return out
}

func (r *results) printCodex(w io.Writer, s settings) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%d interleaved rounds, turns of %d commands %q, sandbox %s; milliseconds as median (least)\n\n\twall\tCPU\tper call\n", s.rounds, s.many, s.command, s.sandbox)
	for _, name := range []string{ownExecutor, ourExecutor} {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", name, r.millis(name, wall), r.millis(name, cpu), r.millis(name, call))
	}
	if added := r.differences(ourExecutor, ownExecutor, call); len(added) > 0 {
		fmt.Fprintf(t, "added by our executor to a call\t%.1f (%.1f to %.1f)\n", ms(median(added)), ms(slices.Min(added)), ms(slices.Max(added)))
	}
	fmt.Fprintf(t, "\n%d starts of each a round\tp50\tp99\tmost\n", hookCalls)
	for _, name := range []string{hookName, "proctor version", "true"} {
		if all := r.allCalls(name); len(all) > 0 {
			fmt.Fprintf(t, "%s, %d calls\t%.1f\t%.1f\t%.1f\n", name, len(all), ms(all[len(all)/2]), ms(all[len(all)*99/100]), ms(all[len(all)-1]))
		}
	}
	fmt.Fprintln(t, "\nratio, median of the rounds\tmeasured\tgoal")
	r.ratio(t, "executor of proctor : codex's own, a call", "1.0", ourExecutor, ownExecutor, call)
	r.ratio(t, "executor of proctor : codex's own, wall of the turn", "1.0", ourExecutor, ownExecutor, wall)
	r.ratio(t, "executor of proctor : codex's own, CPU of the turn", "1.0", ourExecutor, ownExecutor, cpu)
	r.ratio(t, "hook : proctor version", "-", hookName, "proctor version", call)
	t.Flush()
	for _, n := range r.notes {
		fmt.Fprintln(w, n)
	}
}

// differences has one for each round.
func (r *results) differences(a, b string, f func(sample) time.Duration) (out []time.Duration) {
	x, y := r.column(a, f), r.column(b, f)
	for i := range min(len(x), len(y)) {
		out = append(out, x[i]-y[i])
	}
	return out
}
