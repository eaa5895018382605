package ledger

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Opening must not take the longer the more was recorded last: a long log is replayed by nobody, a short one costs no table.
func TestCloseLeavesAShortLog(t *testing.T) {
	t.Parallel()
	for _, long := range []bool{false, true} {
		fs := vfs.NewMem()
		l := openTest(t, "ledger", memory(fs))
		n := 20
		appendTest(t, l, prompts("s", 1, n)...)
		for long {
			m := l.db.Metrics()
			if m.WAL.Size > longLog && m.MemTable.Count == 1 { // no flush is under way that makes it short
				break
			}
			appendTest(t, l, prompts("s", n+1, 100)...)
			n += 100
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = openTest(t, "ledger", memory(fs))
		if flushed := l.db.Metrics().Levels[0].TablesFlushed; flushed > 0 == long {
			t.Errorf("after %d events opening flushed %d tables", n, flushed)
		}
		mustBeGreen(t, l)
	}
}
