package ledger

import (
	"crypto/sha256"
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
	// logged maps sizes to what the log beside the store has for them.
	logged map[uint64]logged
}

// logged is a checkpoint of the log.
type logged struct {
	root event.Hash
	note event.Hash // its digest
}

func (w *checkpointWalk) open(v *verifier) (err error) {
	w.logged = map[uint64]logged{}
	if err := w.readLog(v); err != nil {
		v.add(SeverityError, Finding{Code: CodeCheckpointLog, Message: err.Error()})
	}
	w.it, err = v.l.db.NewIter(&pebble.IterOptions{LowerBound: numberKey(prefixCheckpoint, v.since+1), UpperBound: []byte{prefixCheckpoint + 1}})
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
	one, ok := w.logged[v.tree.size]
	if ok {
		delete(w.logged, v.tree.size)
		if got := v.tree.root(); got != one.root {
			v.add(SeverityError, Finding{Code: CodeCheckpointLog, Message: fmt.Sprintf("the checkpoint log names root %s for %d entries, the entries give %s", one.root, v.tree.size, got)})
		}
	}
	for w.next != nil && w.next.Size <= v.tree.size {
		w.check(v, *w.next)
		if ok && w.next.Size == v.tree.size && event.Hash(sha256.Sum256([]byte(w.next.Note))) != one.note {
			v.add(SeverityError, Finding{Code: CodeCheckpointLog, Message: fmt.Sprintf("the checkpoint of %d entries is another one in the checkpoint log than in the store", v.tree.size)})
		}
		w.it.Next()
		w.load(v)
	}
}

func (w *checkpointWalk) check(v *verifier, c Checkpoint) {
	v.report.Checkpoints++
	v.report.Newest, v.report.verified = max(v.report.Newest, c.Size), c.Note
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

// readLog keeps what the log says; two roots for one size contradict each other.
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
	damaged, err := readLog(f, func(line []byte) bool {
		if loggedBelow(line, v.since) {
			return true
		}
		t, signed, ok := parseLogged(line)
		if !ok {
			return false
		}
		if one, ok := w.logged[t.Size]; ok && one.root != t.Root {
			v.add(SeverityError, Finding{Code: CodeCheckpointLog, Message: fmt.Sprintf("the checkpoint log names two roots for %d entries", t.Size)})
		}
		w.logged[t.Size] = logged{t.Root, sha256.Sum256([]byte(signed))}
		return true
	})
	for _, n := range damaged {
		v.add(SeverityError, Finding{Code: CodeCheckpointLog, Message: fmt.Sprintf("line %d of the file %s is not what was written, and only the last can be cut by a crash", n, checkpointFile)})
	}
	if err != nil {
		return fmt.Errorf("read checkpoint log: %w", err)
	}
	return nil
}
