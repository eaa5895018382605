package ledger

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Opening must not take the longer the more was recorded last: a long log is replayed by nobody, a short one costs no table.
func TestCloseLeavesAShortLog(t *testing.T) {
	t.Parallel()
	for events, replayed := range map[int]bool{20: true, 2000: false} {
		fs := vfs.NewMem()
		l := openTest(t, "ledger", memory(fs))
		appendTest(t, l, prompts("s", 1, events)...)
		if long := l.db.Metrics().WAL.Size > longLog; long == replayed {
			t.Fatalf("%d events make a log of %d bytes", events, l.db.Metrics().WAL.Size)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = openTest(t, "ledger", memory(fs))
		if n := l.db.Metrics().Levels[0].TablesFlushed; n > 0 != replayed {
			t.Errorf("after %d events opening flushed %d tables", events, n)
		}
		mustBeGreen(t, l)
	}
}
