package ledger

import (
	"bufio"
	"errors"
	"fmt"
	"os"

	"github.com/cockroachdb/pebble/v2"

	"proctor/event"
)

// checkpointWalk goes through the stored checkpoints in step with the entries, since the root at
// a size can be had for nothing while the walk passes it.
type checkpointWalk struct {
	it   *pebble.Iterator
	next *Checkpoint
	// logged maps sizes to roots of the log beside the store.
	logged map[uint64]event.Hash
}

func (w *checkpointWalk) open(v *verifier) (err error) {
	w.logged = map[uint64]event.Hash{}
	if err := w.readLog(v); err != nil {
		v.add(SeverityError, Finding{Code: CodeCheckpointLog, Message: err.Error()})
	}
	w.it, err = v.l.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixCheckpoint}, UpperBound: []byte{prefixCheckpoint + 1}})
	if err != nil {
		return err
	}
	w.it.First()
	w.load(v)
	return nil
}

func (w *checkpointWalk) close() { _ = w.it.Close() }

// load reads the checkpoint under the iterator, and passes those that cannot be read.
func (w *checkpointWalk) load(v *verifier) {
	for w.next = nil; w.it.Valid(); w.it.Next() {
		c, err := parseStoredCheckpoint(w.it.Key(), w.it.Value())
		if err != nil {
			v.add(SeverityError, Finding{Code: CodeCheckpointForm, Message: fmt.Sprintf("checkpoint of %d entries: %v", c.Size, err)})
			continue
		}
		w.next = &c
		return
	}
	if err := w.it.Error(); err != nil {
		v.add(SeverityError, Finding{Code: CodeStoreUnreadable, Message: "checkpoints: " + err.Error()})
	}
}

// reach checks what was signed at the size that the walk has now.
func (w *checkpointWalk) reach(v *verifier) {
	if root, ok := w.logged[v.tree.size]; ok {
		delete(w.logged, v.tree.size)
		if got := v.tree.root(); got != root {
			v.add(SeverityError, Finding{Code: CodeCheckpointLog, Message: fmt.Sprintf("the checkpoint log names root %s for %d entries, the entries give %s", root, v.tree.size, got)})
		}
	}
	for w.next != nil && w.next.Size <= v.tree.size {
		w.check(v, *w.next)
		w.it.Next()
		w.load(v)
	}
}

func (w *checkpointWalk) check(v *verifier, c Checkpoint) {
	v.report.Checkpoints++
	v.report.Newest = max(v.report.Newest, c.Size)
	v.keys.check(v, c)
	if root := v.tree.root(); c.Size == v.tree.size && c.Root != root {
		v.add(SeverityError, Finding{Code: CodeCheckpointRoot, Message: fmt.Sprintf("the checkpoint of %d entries names root %s, the entries give %s", c.Size, c.Root, root)})
	}
}

// rest reports checkpoints above the end; one signed while Verify ran is none of them.
func (w *checkpointWalk) rest(v *verifier) {
	now := v.l.Tree().Size
	ahead := func(size uint64, where string) {
		if size > now {
			v.add(SeverityError, Finding{Code: CodeCheckpointAhead, Message: fmt.Sprintf("%s has a checkpoint of %d entries, only %d are stored: entries were cut off, or an old copy was put back", where, size, now)})
		}
	}
	for ; w.next != nil; w.load(v) {
		ahead(w.next.Size, "the store")
		w.it.Next()
	}
	for size := range w.logged {
		ahead(size, "the checkpoint log")
	}
}

// readLog keeps the roots of the log; two for one size contradict each other.
func (w *checkpointWalk) readLog(v *verifier) error {
	fs := v.l.opts.FS
	f, err := fs.Open(fs.PathJoin(v.l.dir, checkpointFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read checkpoint log: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxLogLine)
	for lines.Scan() {
		t, ok := parseLogLine(lines.Bytes())
		if !ok {
			continue // cut by a crash
		}
		if root, ok := w.logged[t.Size]; ok && root != t.Root {
			return fmt.Errorf("checkpoint log names two roots for %d entries", t.Size)
		}
		w.logged[t.Size] = t.Root
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read checkpoint log: %w", err)
	}
	return nil
}
