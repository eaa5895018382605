//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"proctor/executor/sandbox/backend"
)

// settings are the flags.
type settings struct {
	what                  string
	proctor, codex, bwrap string
	dir, sandbox, peers   string
	span                  time.Duration
	rounds, few, many     int
	command               string
	variants              []contender
}

func main() {
	backend.Main()
	for _, flag := range []func() func(){insideFlag, proxyFlag, confinedFlag} {
		if begin := flag(); begin != nil {
			begin()
			return
		}
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	var s settings
	flag.StringVar(&s.what, "what", "exec", "`part` to measure: exec (turns and calls), start (of a confined true), work (programs under recording), proxy (the network proxy alone), network (from inside the sandbox), ledger (durable records), codex (the real CLI with our executor and hook) or intake (its telemetry)")
	flag.StringVar(&s.proctor, "proctor", "bin/proctor", "proctor `binary`")
	flag.StringVar(&s.codex, "codex", "", "real codex `binary`; empty leaves the comparison out")
	flag.StringVar(&s.bwrap, "bwrap", "", "bwrap `binary`; empty looks on PATH")
	flag.StringVar(&s.dir, "dir", "", "`folder` for homes, ledgers and workspaces; must be on a real disk and not below the temporary folder")
	flag.StringVar(&s.peers, "peers", "", "`binary` of tools/proxypeers, tools/ledgerpeers or tools/intakepeer; empty leaves them out")
	flag.DurationVar(&s.span, "span", 250*time.Millisecond, "`time` that each row of proxy, ledger and intake is driven for in a round")
	flag.StringVar(&s.sandbox, "sandbox", "workspace-write", "sandbox `mode`")
	flag.StringVar(&s.command, "command", "true", "shell `command` of every call")
	flag.IntVar(&s.rounds, "rounds", 5, "interleaved rounds")
	flag.IntVar(&s.few, "few", 1, "commands of the short turn")
	flag.IntVar(&s.many, "many", 50, "commands of the long turn")
	flag.Func("variant", "`NAME=ARG ARG...`: measure proctor with further arguments as well; may be repeated", func(v string) error {
		name, args, ok := strings.Cut(v, "=")
		if !ok {
			return errors.New("expected NAME=ARG ARG...") //nolint:revive,staticcheck // the form, not a sentence
		}
		s.variants = append(s.variants, contender{name: name, args: strings.Fields(args)})
		return nil
	})
	flag.Parse()
	if err := s.resolve(); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	part, ok := map[string]part{
		"exec": {settings.tasks, (*results).print}, "start": {settings.startTasks, (*results).printStart}, "work": {settings.workTasks, (*results).printWork},
		"proxy": {settings.proxyTasks, (*results).printProxy}, "network": {settings.networkTasks, (*results).printNetwork},
		"ledger": {settings.ledgerTasks, (*results).printLedger},
		"codex":  {settings.codexTasks, (*results).printCodex}, "intake": {settings.intakeTasks, (*results).printIntake},
	}[s.what]
	if !ok {
		return fmt.Errorf("-what %q: expected exec, start, work, proxy, network, ledger, codex or intake", s.what)
	}
	results, err := measure(ctx, s, part)
	if err != nil {
		return err
	}
	part.print(results, os.Stdout, s)
	return nil
}

// part is one of the things that can be measured.
type part struct {
	tasks func(settings, context.Context, *results) ([]task, error)
	print func(*results, io.Writer, settings)
}

func (s *settings) resolve() error {
	if s.dir == "" || s.rounds < 1 || s.few < 1 || s.many <= s.few {
		return errors.New("-dir must name a folder, -rounds and -few be at least 1, and -many greater than -few")
	}
	if s.bwrap == "" {
		s.bwrap, _ = exec.LookPath("bwrap") // absent: the raw sandbox is left out
	}
	for _, path := range []*string{&s.proctor, &s.codex, &s.bwrap, &s.dir, &s.peers} {
		if *path == "" {
			continue
		}
		abs, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = abs
	}
	return os.MkdirAll(s.dir, 0o700)
}

// retries is how often a failed run is repeated; the report names each.
const retries = 3

// measure runs the rounds. Each round starts with another contender.
func measure(ctx context.Context, s settings, p part) (*results, error) {
	if err := adoptOrphans(); err != nil {
		return nil, err
	}
	r := &results{samples: map[string][]sample{}}
	defer func() {
		for _, end := range r.after {
			end()
		}
	}()
	tasks, err := p.tasks(s, ctx, r)
	if err != nil {
		return nil, err
	}
	for round := range s.rounds + 1 { // round 0 warms caches and is not counted
		for i := range tasks {
			t := tasks[(i+round)%len(tasks)]
			got, err := t.run(ctx)
			for range retries {
				if err == nil || ctx.Err() != nil {
					break
				}
				r.note(fmt.Sprintf("repeated: %s, round %d: %v", t.name, round, err))
				got, err = t.run(ctx)
			}
			if ctx.Err() != nil { // what there is can be compared
				r.note(fmt.Sprintf("interrupted in round %d", round))
				return r, nil
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", t.name, err)
			}
			if round > 0 {
				r.add(t.name, got)
			}
		}
	}
	return r, nil
}

// task is one thing to measure, once a round.
type task struct {
	name string
	run  func(context.Context) (sample, error)
}

func (s settings) tasks(ctx context.Context, r *results) ([]task, error) {
	proctor := contender{name: "proctor", binary: s.proctor, dir: filepath.Join(s.dir, "proctor"), sandbox: s.sandbox}
	used := proctor
	used.name, used.dir, used.used = "proctor (ledger in use)", filepath.Join(s.dir, "used"), true
	agents := []contender{proctor, used}
	if s.codex != "" {
		agents = append(agents, contender{name: "codex", binary: s.codex, dir: filepath.Join(s.dir, "codex"), sandbox: s.sandbox})
	}
	for _, v := range s.variants {
		v.binary, v.dir, v.sandbox = s.proctor, filepath.Join(s.dir, v.name), s.sandbox
		agents = append(agents, v)
	}
	var tasks []task
	for _, a := range agents {
		if err := a.prepare(ctx); err != nil {
			return nil, fmt.Errorf("prepare %s: %w", a.name, err)
		}
		for _, n := range []int{s.few, s.many} {
			script := script(s.command, n)
			tasks = append(tasks, task{fmt.Sprintf("%s exec, %d commands", a.name, n), func(ctx context.Context) (sample, error) {
				return a.exec(ctx, script, false)
			}})
			tasks = append(tasks, task{fmt.Sprintf("%s exec, %d commands, memory", a.name, n), func(ctx context.Context) (sample, error) {
				return a.exec(ctx, script, true)
			}})
		}
	}
	tasks = append(tasks,
		task{"proctor version", func(ctx context.Context) (sample, error) { return repeat(ctx, 10, s.proctor, "version") }},
		task{"true", func(ctx context.Context) (sample, error) { return repeat(ctx, 10, "true") }})
	if s.bwrap == "" {
		r.note("raw bwrap: left out, no bwrap on PATH")
		return tasks, nil
	}
	raw, err := catch(ctx, proctor, s.bwrap, s.command)
	if err != nil {
		r.note("raw bwrap: left out: " + err.Error())
		return tasks, nil
	}
	return append(tasks, task{"raw bwrap", func(ctx context.Context) (sample, error) { return raw.run(ctx, s.many) }}), nil
}
