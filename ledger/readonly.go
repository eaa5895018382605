package ledger

import (
	"errors"
	"fmt"
	"os"
)

// ErrReadOnly is the cause of the ErrFailed that everything gets that would write to a ledger of OpenReadOnly.
var ErrReadOnly = errPinned

// pinAttempts: while the owner writes as fast as it can, its manifest changes a few times in a second and opening takes milliseconds.
const pinAttempts = 50

// OpenReadOnly opens a ledger for reading, whether another process has it or not, and asks nothing of that process: what
// is read comes from the files, and so does not rest on the owner's word. It shows the ledger as it was when it was opened,
// never a part of a submission; every receipt given before that is in it, and perhaps entries whose sync was still
// under way. It changes nothing in the directory and needs no right to. It holds a descriptor for each file of the
// store until Close.
func OpenReadOnly(dir string, opts Options) (*Ledger, error) {
	opts = opts.withDefaults()
	format, err := checkFormat(opts.FS, opts.FS.PathJoin(dir, formatFile))
	if err != nil {
		return nil, fmt.Errorf("read ledger %q: %w", dir, err)
	}
	for attempt := 1; ; attempt++ {
		l, still, err := openPinned(dir, format, opts)
		if still || attempt == pinAttempts {
			if err != nil {
				return nil, fmt.Errorf("read ledger %q: %w", dir, err)
			}
			if still {
				return l, nil
			}
		}
		if err == nil {
			_ = l.Close()
		}
		if attempt == pinAttempts {
			return nil, fmt.Errorf("read ledger %q: its files changed each of %d times while they were opened", dir, pinAttempts)
		}
	}
}

// openPinned is one attempt; still is false when the files changed meanwhile, so that neither result counts.
func openPinned(dir string, format int, opts Options) (l *Ledger, still bool, err error) {
	base := opts.FS
	pins, err := newPinFS(base, dir)
	if err != nil {
		return nil, true, err
	}
	opts.FS = pins
	l = &Ledger{dir: dir, format: format, opts: opts, queue: newQueue(), down: make(chan struct{}), closing: make(chan struct{}), pins: pins}
	err = l.loadPinned()
	still, changed := pins.still()
	if changed != nil && !errors.Is(changed, os.ErrNotExist) {
		err = errors.Join(err, changed)
	}
	if err != nil {
		pins.close()
		return nil, still, err
	}
	return l, still, nil
}

func (l *Ledger) loadPinned() (err error) {
	fs := l.opts.FS
	if l.keys, err = loadKeys(fs, fs.PathJoin(l.dir, keysDir)); err != nil {
		return err
	}
	l.health = newHealth(l.opts.Logger)
	if l.db, err = openPebble(fs, fs.PathJoin(l.dir, storeDir), nil, l.health, nil); err != nil {
		return err
	}
	tree, _, damage, err := l.loadTree()
	if err == nil {
		damage, err = l.loadSigning(damage)
	}
	if err != nil {
		return errors.Join(err, closePebble(l.db))
	}
	l.durable.Store(&tree)
	l.health.attach(l.fail)
	if damage == nil {
		damage = ErrReadOnly
	}
	l.fail(damage)
	return nil
}

// closePinned releases what OpenReadOnly holds.
func (l *Ledger) closePinned() error {
	close(l.closing)
	l.tail.wake()
	l.use.Lock()
	defer l.use.Unlock()
	l.gone = true
	err := closePebble(l.db)
	l.pins.close()
	return err
}
