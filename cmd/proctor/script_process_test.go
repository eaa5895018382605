package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long a script waits for something outside of it, on a busy machine.
const patience = 30 * time.Second

var signals = map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL}

// cmdSignal sends a signal to a started program, and to nothing it started itself.
func cmdSignal(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 2 && signals[args[1]] != 0, "signal NAME INT|TERM|KILL")
	ts.Check(started(ts, args[0]).cmd.Process.Signal(signals[args[1]]))
}

// until polls, for what another process does.
func until(ts *testscript.TestScript, what string, ok func() bool) {
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			ts.Fatalf("waited %s for %s", patience, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func cmdWaitFile(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 1, "wait-file FILE")
	until(ts, "file "+args[0], func() bool { _, err := os.Stat(ts.MkAbs(args[0])); return err == nil })
}

// cmdNoProcess waits until no process has text in its command line.
func cmdNoProcess(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, len(args) == 1 && args[0] != "", "[!] no-process TEXT")
	if neg {
		until(ts, "a process with "+args[0], func() bool { return len(running(args[0])) > 0 })
		return
	}
	until(ts, "the end of every process with "+args[0], func() bool { return len(running(args[0])) == 0 })
}

// running are the processes whose command line has text in it, those that have ended and wait for their parent left out.
func running(text string) []string {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	var found []string
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err == nil && bytes.Contains(b, []byte(text)) {
			found = append(found, strings.ReplaceAll(string(b), "\x00", " "))
		}
	}
	return found
}

// cmdFlipByte changes one bit in the middle of the largest file below a folder.
func cmdFlipByte(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 1, "flip-byte FOLDER")
	var largest string
	var size int64
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() > size {
			largest, size = path, info.Size()
		}
		return err
	}))
	b, err := os.ReadFile(largest)
	ts.Check(err)
	b[len(b)/2] ^= 0x20
	ts.Check(os.WriteFile(largest, b, 0o600))
	ts.Logf("changed byte %d of %s", len(b)/2, largest)
}

// cmdKillAfter runs a program and kills it after a while; it may also have ended by then.
func cmdKillAfter(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) >= 2, "kill-after DURATION PROGRAM ARG...")
	d, err := time.ParseDuration(args[0])
	ts.Check(err)
	cmdStart(ts, false, append([]string{"killed"}, args[1:]...))
	p := started(ts, "killed")
	timer := time.AfterFunc(d, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	_ = p.cmd.Wait()
}
