package ledger

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"golang.org/x/mod/sumdb/note"

	"proctor/event"
)

// Checkpoint is a signed tree head.
type Checkpoint struct {
	Tree
	// Note is the C2SP signed note (tlog-checkpoint): origin, size, root in base64, signatures.
	Note string
}

// checkpointer signs tree heads, one at a time.
type checkpointer struct {
	signed atomic.Uint64 // size of the newest checkpoint
	wanted chan struct{} // room for one
	made   tail          // wakes those who wait for one
	mu     sync.Mutex    // held while signing; guards what follows
	last   Checkpoint
	log    lineLog
	// compared is when last, or one before it, was found to be a prefix of the stored tree.
	compared time.Time
}

// ask wakes run; further asks before it runs are one.
func (p *checkpointer) ask() {
	select {
	case p.wanted <- struct{}{}:
	default:
	}
}

// load finds the newest checkpoint and compares it, and the log beside the store, with the tree.
func (p *checkpointer) load(l *Ledger, tree Tree) (damage, err error) {
	p.wanted = make(chan struct{}, 1)
	last, err := lastCheckpoint(l.db)
	if err != nil {
		return nil, err
	}
	if last != nil {
		p.last = *last
	}
	logged, err := lastLogged(l.opts.FS, l.opts.FS.PathJoin(l.dir, checkpointFile))
	if err != nil {
		return nil, err
	}
	newest := max(p.last.Size, logged.Size)
	p.signed.Store(newest)
	switch {
	case newest > tree.Size:
		return fmt.Errorf("a checkpoint of %d entries was signed, %d are stored: %w", newest, tree.Size, ErrRolledBack), nil
	case logged.Size == p.last.Size && logged.Root != p.last.Root:
		return fmt.Errorf("checkpoints of %d entries in the store and in the log differ: %w", logged.Size, ErrDamaged), nil
	case p.last.Size > logged.Size && l.pins == nil:
		return nil, l.logCheckpoint(p.last) // the process ended between the two writes
	}
	return nil, nil
}

// run signs when asked and when the interval ends, until the ledger closes or fails.
func (p *checkpointer) run(l *Ledger) {
	var tick <-chan time.Time
	if l.opts.CheckpointInterval > 0 {
		t := time.NewTicker(l.opts.CheckpointInterval)
		defer t.Stop()
		tick = t.C
	}
	if l.rotating.Load() != nil {
		p.ask() // a process before recorded a rotation
	}
	for {
		select {
		case <-l.closing:
			return
		case <-l.down:
			return
		case <-p.wanted:
		case <-tick:
		}
		if l.Tree().Size == p.signed.Load() && l.rotating.Load() == nil {
			continue
		}
		if _, err := l.Checkpoint(context.Background()); err != nil && !errors.Is(err, ErrClosed) {
			l.opts.Logger.Error("checkpoint", "dir", l.dir, "err", err)
		}
	}
}

// Checkpoint signs the tree of everything durable, or returns the newest checkpoint when it
// already covers that. Before signing, at first and once a second, it makes sure that the newest one is a prefix of the
// stored tree; if not, the ledger fails with ErrDamaged rather than sign a second history.
func (l *Ledger) Checkpoint(ctx context.Context) (Checkpoint, error) {
	p := &l.points
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := l.begin(); err != nil {
		return Checkpoint{}, err
	}
	defer l.end()
	if err := l.queue.failure(); err != nil {
		return Checkpoint{}, err
	}
	tree, rotating := l.Tree(), l.rotating.Load()
	if tree.Size == p.last.Size {
		if rotating.within(tree) { // signed by both keys, and then something failed
			return p.last, l.handOver(rotating)
		}
		return p.last, nil
	}
	if err := p.compare(l); err != nil {
		return Checkpoint{}, err
	}
	signers := []note.Signer{l.key().signer}
	if rotating.within(tree) {
		next, _, err := l.nextKey(rotating)
		if err != nil {
			return Checkpoint{}, fmt.Errorf("complete the rotation that entry %d records: %w", rotating.index, err)
		}
		signers = append(signers, next.signer)
	}
	c, err := sign(tree, signers...)
	if err != nil {
		return Checkpoint{}, err
	}
	if err := l.write(ctx, false, func(b batch) error { return b.Set(numberKey(prefixCheckpoint, c.Size), []byte(c.Note), nil) }); err != nil {
		return Checkpoint{}, fmt.Errorf("store checkpoint of %d entries: %w", c.Size, err)
	}
	p.last = c
	p.signed.Store(c.Size)
	p.made.wake()
	err = l.logCheckpoint(c)
	if err == nil && rotating.within(tree) {
		err = l.handOver(rotating)
	}
	if err != nil { // the disk does not keep what it is told to
		l.fail(err)
	}
	return c, err
}

// compareEvery is how long a comparison of the newest checkpoint with the stored tree holds. Between two of them this process has only added to
// the tree that it compared, and what it signs is that tree: reading it back for each checkpoint would cost more than signing.
const compareEvery = time.Second

// compare makes sure that the newest checkpoint is a prefix of the stored tree. The lock is held.
func (p *checkpointer) compare(l *Ledger) error {
	if p.last.Size == 0 || time.Since(p.compared) < compareEvery {
		return nil
	}
	root, err := l.rootAt(p.last.Size)
	if err != nil {
		return err
	}
	if root != p.last.Root {
		err := fmt.Errorf("the tree at %d entries is not the one that was signed: %w", p.last.Size, ErrDamaged)
		l.fail(err)
		return err
	}
	p.compared = time.Now()
	return nil
}

// NextCheckpoint waits for a checkpoint of more than size entries, until ctx ends or the ledger closes or fails.
func (l *Ledger) NextCheckpoint(ctx context.Context, size uint64) (Checkpoint, error) {
	for {
		wake := l.points.made.wait()
		if c := l.LastCheckpoint(); c.Size > size {
			return c, nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return Checkpoint{}, context.Cause(ctx)
		case <-l.closing:
			return Checkpoint{}, ErrClosed
		case <-l.down:
			return Checkpoint{}, l.queue.failure()
		}
	}
}

// LastCheckpoint returns the newest signed checkpoint; its size is 0 when there is none.
func (l *Ledger) LastCheckpoint() Checkpoint {
	l.points.mu.Lock()
	defer l.points.mu.Unlock()
	return l.points.last
}

func sign(t Tree, signers ...note.Signer) (Checkpoint, error) {
	text := signers[0].Name() + "\n" + strconv.FormatUint(t.Size, 10) + "\n" + base64.StdEncoding.EncodeToString(t.Root[:]) + "\n"
	signed, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("sign checkpoint of %d entries: %w", t.Size, err)
	}
	return Checkpoint{t, string(signed)}, nil
}

// OpenCheckpoint checks a signed checkpoint against a verifier key, as PublicKey returns it.
func OpenCheckpoint(signed, publicKey string) (Checkpoint, error) {
	v, err := note.NewVerifier(publicKey)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("verifier key: %w", err)
	}
	return openCheckpoint(signed, v)
}

func openCheckpoint(signed string, v note.Verifier) (Checkpoint, error) {
	n, err := note.Open([]byte(signed), note.VerifierList(v))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	origin, t, err := parseCheckpoint(n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	if origin != v.Name() {
		return Checkpoint{}, fmt.Errorf("checkpoint: origin %q, expected %q", origin, v.Name())
	}
	return Checkpoint{t, signed}, nil
}

// parseCheckpoint reads the first three lines of a note; extension lines are allowed and ignored.
func parseCheckpoint(text string) (origin string, t Tree, err error) {
	lines := strings.SplitN(text, "\n", 4)
	if len(lines) != 4 {
		return "", t, fmt.Errorf("checkpoint: %d lines, want origin, size and root", len(lines)-1)
	}
	size, err := strconv.ParseUint(lines[1], 10, 63)
	if err != nil || strconv.FormatUint(size, 10) != lines[1] {
		return "", t, fmt.Errorf("checkpoint: size %q is not a decimal number", lines[1])
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != len(t.Root) {
		return "", t, fmt.Errorf("checkpoint: root %q is not %d bytes in base64", lines[2], len(t.Root))
	}
	return lines[0], Tree{size, event.Hash(root)}, nil
}

// lastCheckpoint reads the newest stored checkpoint without checking its signature, nil when there is none.
func lastCheckpoint(db pebble.Reader) (*Checkpoint, error) {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixCheckpoint}, UpperBound: []byte{prefixCheckpoint + 1}})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	if !it.Last() {
		return nil, it.Error()
	}
	c, err := parseStoredCheckpoint(it.Key(), it.Value())
	if err != nil {
		// Verify names it; a root that nothing can match keeps the ledger from signing.
		return &Checkpoint{Tree: Tree{Size: c.Size}}, nil
	}
	return &c, nil
}

// parseStoredCheckpoint reads a record of the store. With an error the size is that of the key.
func parseStoredCheckpoint(key, value []byte) (Checkpoint, error) {
	if len(key) != 9 {
		return Checkpoint{}, fmt.Errorf("checkpoint key %x: %w", key, ErrDamaged)
	}
	size := binary.BigEndian.Uint64(key[1:])
	_, t, err := parseCheckpoint(string(value))
	if err == nil && t.Size != size {
		err = fmt.Errorf("checkpoint of %d entries is stored as one of %d: %w", t.Size, size, ErrDamaged)
	}
	if err != nil {
		return Checkpoint{Tree: Tree{Size: size}}, err
	}
	return Checkpoint{t, string(value)}, nil
}
