package ledger

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"proctor/event"
)

// TestEveryFaultPosition fails the n-th operation of each kind, for every n in a soak and for some otherwise, until a run passes without reaching it: what was acknowledged is kept, all
// work after a failed submission is refused at once, and the next owner goes on alone, also when the power is cut on top.
func TestEveryFaultPosition(t *testing.T) {
	if !inChild(t) {
		return
	}
	kinds := map[opKind]int{ // at least so many positions are there
		opWrite: 50, opSync: 10, opSyncData: 20, opSyncDir: 10, opCreate: 10, opOpenWrite: 1, opReuse: 0, opRename: 3, opLink: 0,
		opRemove: 3, opMkdir: 1, opPrealloc: 0, opClose: 10, opSyncTo: 0,
	}
	for kind, least := range kinds {
		faults := []error{syscall.EIO, syscall.ENOSPC}
		if kind == opWrite {
			faults = append(faults, io.ErrShortWrite)
		}
		for _, fault := range faults {
			t.Run(fmt.Sprintf("%s/%v", kind, fault), func(t *testing.T) {
				t.Parallel()
				n, told := 0, 0
				for ; ; n += sampled(7) {
					reached, failed := faultAt(t, kind, n, fault)
					if !reached {
						break
					}
					if failed {
						told++
					}
				}
				t.Logf("%d positions, at %d of them somebody was told", n, told)
				if n < least {
					t.Errorf("the exercise has %d of them, expected at least %d", n, least)
				}
			})
		}
	}
}

// harmless are kinds of operations that may fail without anybody being told: what they would have done is not needed.
var harmless = []opKind{opRemove, opPrealloc, opClose, opLink, opSyncTo}

func faultAt(t *testing.T, kind opKind, n int, fault error) (reached, failed bool) {
	t.Helper()
	what := fmt.Sprintf("%s %d, %v", kind, n, fault)
	mem := vfs.NewCrashableMem()
	var count atomic.Int64
	opts := memory(faultFS{mem, func(k opKind) error {
		if k == kind && count.Add(1)-1 == int64(n) {
			return fmt.Errorf("injected: %w", fault)
		}
		return nil
	}})
	opts.CheckpointEvery = 7
	var o owed
	start := time.Now()
	l, err := Open("ledger", opts)
	if err == nil {
		if err = exercise(l, 16, o.add); err != nil {
			if !errors.Is(err, fault) && !errors.Is(err, ErrUnpurged) {
				t.Errorf("%s: the exercise failed with %v", what, err)
			}
			late := prompt("b", 0, "x")
			receipts, again := l.Append(t.Context(), late)
			if errors.Is(err, ErrFailed) && !errors.Is(again, ErrFailed) {
				t.Errorf("%s: append after the failure: %v", what, again)
			}
			o.add(sent{[]event.ID{late.ID}, receipts})
		}
		err = errors.Join(err, l.Err(), l.Close(), l.Err())
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("%s: took %v", what, took)
	}
	reached = count.Load() > int64(n)
	if reached && err == nil && !slices.Contains(harmless, kind) {
		t.Errorf("%s: nobody was told", what)
	}
	// A copy of the disk, since a store that hangs keeps its lock.
	disk := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 25 * (n % 5), RNG: rand.New(rand.NewPCG(uint64(n), 1))})
	check, openErr := Open("ledger", memory(disk))
	if openErr != nil {
		t.Fatalf("%s: open again: %v", what, openErr)
	}
	o.honoured(t, check, what)
	if err := check.Close(); err != nil {
		t.Errorf("%s: %v", what, err)
	}
	return reached, err != nil
}
