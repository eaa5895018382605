package ledger

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// killAt is the operation before which, or in the middle of which if it is a write, the child of TestKilledAtAnyOperation kills itself.
const killAt = "PROCTOR_LEDGER_TEST_KILL_AT"

// operations is the last line of a child that came to its end: how many there were.
type operations struct {
	Operations int64
}

// exerciseUntilKilled is what the child does.
func exerciseUntilKilled(dir string, at int64) error {
	var done atomic.Int64
	die := func() {
		if p, err := os.FindProcess(os.Getpid()); err == nil {
			_ = p.Kill()
		}
		select {} // the signal is on its way
	}
	opts := Options{CheckpointEvery: 7, CheckpointInterval: -1, FS: faultFS{vfs.Default, func(kind opKind) error {
		if kind == opHalf {
			die()
		}
		if done.Add(1)-1 != at {
			return nil
		}
		if kind == opWrite {
			return io.ErrShortWrite
		}
		die()
		return nil
	}}}
	out := json.NewEncoder(os.Stdout)
	l, err := Open(dir, opts)
	if err != nil {
		return err
	}
	var silent error
	err = exercise(l, 16, func(s sent) { silent = errors.Join(silent, out.Encode(s)) })
	if err = errors.Join(err, silent, l.Close()); err != nil {
		return err
	}
	return out.Encode(operations{done.Load()})
}

// TestKilledAtAnyOperation kills a process before an operation on its files, or in the middle of a write, and lets the next owner take over what it
// left: what was acknowledged is kept. Each directory sees several kills.
func TestKilledAtAnyOperation(t *testing.T) {
	total := newVictim(t).run(t, 1<<62)
	if total < 200 {
		t.Fatalf("the exercise has %d operations, expected hundreds", total)
	}
	killed := 0
	for killed < soaked(24, "PROCTOR_SOAK_KILLS") {
		v := newVictim(t)
		for range 4 {
			at := rand.Int64N(total * 5 / 4) // the later runs of a directory have more of them
			if v.run(t, at) == 0 {
				killed++
			}
			v.check(t, fmt.Sprintf("killed at operation %d", at))
		}
	}
	t.Logf("%d kills among %d operations", killed, total)
}

type victim struct {
	dir string
	owed
}

func newVictim(t *testing.T) *victim { return &victim{dir: filepath.Join(t.TempDir(), "ledger")} }

// run is the number of operations of a run that came to its end, or 0 after a kill.
func (v *victim) run(t *testing.T, at int64) (total int64) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), childDir+"="+v.dir, killAt+"="+strconv.FormatInt(at, 10))
	var stderr strings.Builder
	child.Stderr = &stderr
	out, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			sent
			operations
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("child said %q: %v", lines.Text(), err)
		}
		v.add(line.sent)
		total = line.Operations
	}
	if err := errors.Join(lines.Err(), ended(child.Wait(), total > 0)); err != nil {
		t.Fatalf("killed at operation %d: %v: %s", at, err, stderr.String())
	}
	return total
}

// ended turns the end of a child into an error unless it came to its end as it said, or was killed.
func ended(err error, whole bool) error {
	var exit *exec.ExitError
	switch {
	case whole && err == nil, !whole && errors.As(err, &exit) && exit.ExitCode() == -1:
		return nil
	default:
		return fmt.Errorf("whole run: %t, ended with %w", whole, err)
	}
}

func (v *victim) check(t *testing.T, what string) {
	t.Helper()
	l, err := Open(v.dir, Options{CheckpointInterval: -1})
	if err != nil {
		t.Fatalf("%s: open: %v", what, err)
	}
	v.honoured(t, l, what)
	if err := l.Close(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}
