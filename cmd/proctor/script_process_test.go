package main

import (
	"bytes"
	"fmt"
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
		if len(running(args[0])) == 0 {
			ts.Fatalf("no process has %s in its command line", args[0])
		}
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

// cmdFlipBytes changes one bit in every file below a folder that holds a text, at its first place.
func cmdFlipBytes(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 2, "flip-bytes FOLDER TEXT")
	var hits int
	err := filepath.WalkDir(ts.MkAbs(args[0]), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path) //nolint:gosec // below the folder of the script
		if err != nil {
			return err
		}
		i := bytes.Index(b, []byte(args[1]))
		if i < 0 {
			return nil
		}
		hits++
		b[i] ^= 0x20
		return os.WriteFile(path, b, 0o600)
	})
	ts.Check(err)
	if hits == 0 {
		ts.Fatalf("no file below %s holds %q", args[0], args[1])
	}
	_, _ = fmt.Fprintf(ts.Stdout(), "%d files changed\n", hits)
}
