package ledger

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"proctor/event"
)

// TestPowerCutWhileErasing cuts the power at any moment of a hold, an erasure and its purge. Afterwards an erasure is recorded and done, or
// neither; what was acknowledged is; a hold that was acknowledged holds; and the next owner finishes the purge.
func TestPowerCutWhileErasing(t *testing.T) {
	const cuts = 200
	var before, between, done int
	for cut := range cuts {
		fs := vfs.NewCrashableMem()
		l := openTest(t, "ledger", memory(fs))
		appendTest(t, l, prompts("secret", 1, 40)...)
		appendTest(t, l, prompts("kept", 1, 5)...)
		var held, erased atomic.Bool
		finished := make(chan struct{})
		go func() {
			defer close(finished)
			for _, step := range []struct {
				e    *event.Event
				seen *atomic.Bool
			}{{hold("kept", "case 1"), &held}, {erasure("secret"), &erased}} {
				if _, err := l.Append(context.Background(), step.e); err != nil {
					t.Error(err)
					return
				}
				step.seen.Store(true)
			}
			if err := l.Purge(context.Background(), nil); err != nil {
				t.Error(err)
			}
		}()
		if cut%6 == 5 {
			<-finished
		} else {
			time.Sleep(time.Duration(rand.IntN(1+20<<(2*(cut%6)))) * time.Microsecond) // any moment will do
		}
		wasHeld, wasErased := held.Load(), erased.Load()
		disk := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 25 * (cut % 5), RNG: rand.New(rand.NewPCG(uint64(cut), 1))})
		<-finished
		_ = l.Close()

		after := openTest(t, "ledger", memory(disk))
		mustBeGreen(t, after)
		info, err := after.SessionInfo(t.Context(), "secret")
		if err != nil {
			t.Fatal(err)
		}
		left, err := after.Contents(t.Context())
		if err != nil || info.Erased != (len(left) == 1) {
			t.Fatalf("cut %d: erased %v, and %d sessions have content, %v", cut, info.Erased, len(left), err)
		}
		if wasErased && !info.Erased {
			t.Fatalf("cut %d: an acknowledged erasure is lost", cut)
		}
		if err := after.Purge(t.Context(), nil); err != nil {
			t.Fatalf("cut %d: %v", cut, err)
		}
		if _, err := after.Append(t.Context(), erasure("kept")); wasHeld && !errors.Is(err, ErrHeld) {
			t.Fatalf("cut %d: an acknowledged hold is lost: %v", cut, err)
		}
		mustBeGreen(t, after)
		_ = after.Close()
		switch {
		case wasErased:
			done++
		case wasHeld:
			between++
		default:
			before++
		}
	}
	t.Logf("%d cuts before the hold, %d before the erasure, %d after it", before, between, done)
}
