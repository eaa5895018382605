package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"proctor/internal/fakemodel"
	"proctor/internal/otlpsink"
	"proctor/ledger/tsatest"
	"proctor/ledger/witnesstest"
)

// world is what one script has started.
type world struct {
	names     []string // of the environment at the start
	model     *fakemodel.Server
	sink      *otlpsink.Sink
	witness   *witnesstest.Witness
	authority *tsatest.Authority
	processes map[string]*process
}

type worldKey struct{}

type process struct {
	cmd      *exec.Cmd
	out, err bytes.Buffer
	screen   *screen // of a program in a terminal, else nil
	reading  sync.WaitGroup
}

func newWorld(env *testscript.Env) *world {
	w := &world{processes: map[string]*process{}}
	for _, v := range env.Vars {
		name, _, _ := strings.Cut(v, "=")
		w.names = append(w.names, name)
	}
	env.Defer(w.close)
	return w
}

func (w *world) close() {
	for _, p := range w.processes {
		if p.cmd.ProcessState == nil {
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
		}
		if p.screen != nil {
			p.screen.close()
			p.reading.Wait()
		}
	}
	if w.model != nil {
		_ = w.model.Close()
	}
	if w.witness != nil {
		w.witness.Close()
	}
	if w.authority != nil {
		w.authority.Close()
	}
	if w.sink != nil {
		w.sink.Close()
	}
}

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

// need ends the script when a command was written wrongly.
func need(ts *testscript.TestScript, ok bool, how string) {
	if !ok {
		ts.Fatalf("usage: %s", how)
	}
}

// cmdExits runs a program and compares its exit status.
func cmdExits(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) >= 2, "exits STATUS PROGRAM ARG...")
	err := ts.Exec(args[1], args[2:]...)
	ts.Check(compareStatus(args[0], err))
}

// cmdWithin runs a program that must end with status 0 before a time is over.
func cmdWithin(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) >= 2, "within DURATION PROGRAM ARG...")
	limit, err := time.ParseDuration(args[0])
	ts.Check(err)
	began := time.Now()
	ts.Check(ts.Exec(args[1], args[2:]...))
	if took := time.Since(began); took > limit {
		ts.Check(&wrong{"time", took.String(), "at most " + args[0]})
	}
}

func compareStatus(want string, err error) error {
	got := 0
	if err != nil {
		exit, ok := err.(*exec.ExitError) //nolint:errorlint // testscript returns it unwrapped
		if !ok {
			return err
		}
		got = exit.ExitCode()
	}
	if !slices.Contains(strings.Split(want, "|"), strconv.Itoa(got)) {
		return &wrong{"exit status", strconv.Itoa(got), want}
	}
	return nil
}

// wrong is a comparison that failed.
type wrong struct{ what, got, want string }

func (w *wrong) Error() string { return w.what + ": got " + w.got + ", want " + w.want }

// cmdStart starts a program that the script goes on beside.
func cmdStart(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) >= 2, "start NAME PROGRAM ARG...")
	w := worldOf(ts)
	path, err := lookPath(ts, args[1])
	ts.Check(err)
	p := &process{cmd: exec.Command(path, args[2:]...)}
	p.cmd.Args[0] = args[1]
	p.cmd.Dir = ts.MkAbs(".")
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.err
	p.cmd.Env = environ(ts)
	ts.Check(p.cmd.Start())
	w.processes[args[0]] = p
}

// lookPath finds a program as the script does.
func lookPath(ts *testscript.TestScript, name string) (string, error) {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", &exec.Error{Name: name, Err: exec.ErrNotFound}
}

// environ is the environment of the script.
func environ(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range append(worldOf(ts).names, "MODEL_URL", "HTTP_PROXY") {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return append(env, "PWD="+ts.MkAbs("."))
}

func started(ts *testscript.TestScript, name string) *process {
	p, ok := worldOf(ts).processes[name]
	if !ok {
		ts.Fatalf("no process %q was started", name)
	}
	return p
}

// cmdFinish waits for a started program and compares its exit status; its output is then stdout and stderr.
func cmdFinish(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 2, "finish NAME STATUS")
	p := started(ts, args[0])
	timer := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
	err := p.cmd.Wait()
	timer.Stop()
	if p.screen != nil {
		p.reading.Wait() // the terminal has no writer any more
		p.out.WriteString(p.screen.all())
	}
	_, _ = ts.Stdout().Write(p.out.Bytes())
	_, _ = ts.Stderr().Write(p.err.Bytes())
	ts.Logf("[stdout]\n%s[stderr]\n%s", p.out.String(), p.err.String())
	ts.Check(compareStatus(args[1], err))
}

// cmdBigFile makes a file of N bytes.
func cmdBigFile(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 2, "big-file FILE BYTES")
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), bytes.Repeat([]byte("x"), n), 0o600))
}
