package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"proctor/event"
)

// TestPowerCutKeepsWhatWasAcknowledged takes copies of the disk as after a power cut while writers
// run, and demands every receipt given before the cut.
func TestPowerCutKeepsWhatWasAcknowledged(t *testing.T) {
	for cut := range soaked(200, "PROCTOR_SOAK_CUTS") {
		powerCut(t, cut)
	}
}

func powerCut(t *testing.T, cut int) {
	t.Helper()
	fs := vfs.NewCrashableMem()
	opts := memory(fs)
	opts.CheckpointEvery = 16
	l, err := Open("ledger", opts)
	if err != nil {
		t.Fatal(err)
	}

	var mu sync.Mutex
	var given []event.Receipt
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for w := range 4 {
		wg.Go(func() {
			for i := uint64(1); ; i += 2 {
				select {
				case <-stop:
					return
				default:
				}
				r, err := l.Append(context.Background(), prompts(fmt.Sprintf("s%d", w), int(i), 2)...)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				given = append(given, r...)
				mu.Unlock()
			}
		})
	}
	time.Sleep(time.Duration(1+cut%8) * time.Millisecond) // any moment will do
	mu.Lock()
	owed := len(given)
	mu.Unlock()
	disk := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 25 * (cut % 5), RNG: rand.New(rand.NewPCG(uint64(cut), 1))})
	close(stop)
	wg.Wait()
	_ = l.Close()

	after, err := Open("ledger", memory(disk))
	if err != nil {
		t.Fatalf("cut %d: %v", cut, err)
	}
	mustBeGreen(t, after)
	for _, r := range given[:owed] {
		e, err := after.Read(context.Background(), r.Seq, 1)
		if err != nil || len(e) != 1 || e[0].Receipt != r || e[0].Event == nil {
			t.Fatalf("cut %d: receipt %+v is not honoured: %+v %v", cut, r, e, err)
		}
	}
	if err := after.Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := after.Append(context.Background(), prompt("after", 1, "x")); err != nil {
		t.Fatalf("append after the cut: %v", err)
	}
	_ = after.Close()
}

// TestEveryFailedWriteIsReported fails the k-th write or sync, or all from the k-th on, for every
// k until a run passes: a receipt is either given and kept, or an error comes at once, and the
// directory opens again.
func TestEveryFailedWriteIsReported(t *testing.T) {
	if !inChild(t) {
		return
	}
	for _, stays := range []bool{false, true} {
		t.Run(fmt.Sprintf("stays=%t", stays), func(t *testing.T) {
			t.Parallel()
			failures, k, step := 0, int64(0), int64(1)
			if stays {
				step = 3 // each may cost stuckAfter
			}
			for ; ; k += step {
				passed, broke := failAt(t, k, stays)
				if passed {
					break
				}
				if broke {
					failures++
				}
				if k > 2000 {
					t.Fatal("no run without a failure")
				}
			}
			t.Logf("%d of %d positions made an open ledger fail", failures, k)
			if failures < 10 {
				t.Fatal("too few: the test no longer reaches the commits")
			}
		})
	}
}

const faultChild = "PROCTOR_LEDGER_TEST_FAULTS"

// inChild runs the test again in a child process, because a broken store leaves goroutines behind,
// and is true in that child.
func inChild(t *testing.T) bool {
	t.Helper()
	if os.Getenv(faultChild) != "" {
		return true
	}
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	child.Env = append(os.Environ(), faultChild+"=1")
	out, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if bytes.Contains(out, []byte("--- SKIP")) {
		t.Skipf("%s", out)
	}
	return false
}

// failAt reports whether the injector was never reached, and whether the ledger failed while open.
func failAt(t *testing.T, k int64, stays bool) (passed, broke bool) {
	t.Helper()
	mem := vfs.NewCrashableMem()
	var writes atomic.Int64
	inject := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
			return nil
		}
		if n := writes.Add(1) - 1; n == k || stays && n > k {
			return &errNoSpace{errorfs.ErrInjected}
		}
		return nil
	})
	opts := memory(errorfs.Wrap(mem, inject))
	opts.CheckpointEvery = 20
	var given []event.Receipt
	start := time.Now()
	l, err := Open("ledger", opts)
	if err == nil {
		for i := range 30 {
			// Enough text to make Pebble begin a new memtable and log on the way.
			text := noise(i, 9_000*len(fmt.Sprint(i)))
			r, err := l.Append(context.Background(), prompt("a", uint64(2*i+1), text), prompt("a", uint64(2*i+2), text))
			if err != nil {
				if !errors.Is(err, ErrFailed) || !errors.Is(err, syscall.ENOSPC) {
					t.Fatalf("write %d: append failed with %v", k, err)
				}
				broke = true
				break
			}
			given = append(given, r...)
		}
		if broke {
			if _, err := l.Append(context.Background(), prompt("b", 1, "x")); !errors.Is(err, ErrFailed) {
				t.Fatalf("write %d: append after the failure: %v", k, err)
			}
		}
		if l.Close() == nil && broke && l.Err() == nil {
			t.Fatalf("write %d: the failure was forgotten", k)
		}
	}
	if took := time.Since(start); took > 20*time.Second+stuckAfter {
		t.Fatalf("write %d: took %v", k, took)
	}
	passed = writes.Load() <= k
	// A copy of the disk, since a store that hangs keeps its lock.
	disk := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
	check, err := Open("ledger", memory(disk))
	if err != nil {
		t.Fatalf("write %d: open again: %v", k, err)
	}
	defer check.Close()
	mustBeGreen(t, check)
	for _, r := range given {
		if e, err := check.Read(context.Background(), r.Seq, 1); err != nil || len(e) != 1 || e[0].Receipt != r {
			t.Fatalf("write %d: receipt %+v is not honoured: %v", k, r, err)
		}
	}
	return passed, broke
}

// errNoSpace is an injected error that looks like a full disk.
type errNoSpace struct{ injected error }

func (e *errNoSpace) Error() string { return "no space left on device (injected)" }
func (e *errNoSpace) Unwrap() []error {
	return []error{e.injected, syscall.ENOSPC}
}
