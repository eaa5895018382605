package ledger

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/mod/sumdb/note"

	"proctor/event"
)

// Rotating the signing key takes these steps, and a process that ends between two of them leaves the rest to the next owner:
//
//  1. a new key lies in a file beside the old one, under its id: [Ledger.PrepareKey];
//  2. an event of kind [event.KeyRotated] is recorded, and in the same commit both keys under prefixRotation;
//  3. the next checkpoint, the first with that event in its tree, is signed by both keys: so the old key names the new one;
//  4. the new file takes the place of the old one, which is gone then.
//
// Before the second step nothing has happened; from then on the rotation is completed.

// ErrRotation means that the signing key is not rotated: another rotation is under way, or the event does not name the key in force and
// a key that was prepared. Nothing was recorded.
var ErrRotation error = event.Fault{Code: "rotation", Text: "signing key cannot be rotated"}

// rotation is what the store keeps of one.
type rotation struct {
	index event.Seq
	Old   string `json:"old"`
	New   string `json:"new"`
}

// within reports whether the event that records r is in a tree; r may be nil.
func (r *rotation) within(t Tree) bool { return r != nil && t.Size > uint64(r.index) }

// Rotation is one change of the signing key.
type Rotation struct {
	Seq    event.Seq `json:"seq"` // of the event that records it
	ID     event.ID  `json:"id,omitempty"`
	Time   time.Time `json:"time"`
	Old    string    `json:"old_key"`
	New    string    `json:"new_key"`
	Reason string    `json:"reason,omitempty"`
	By     string    `json:"by,omitempty"`
}

// Rotations lists the changes of the signing key, the oldest first.
func (l *Ledger) Rotations(ctx context.Context) ([]Rotation, error) {
	if err := l.begin(); err != nil {
		return nil, err
	}
	defer l.end()
	chain, err := loadChain(l.db)
	if err != nil {
		return nil, err
	}
	d := l.newDecoder()
	out := make([]Rotation, 0, len(chain))
	for _, r := range chain {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		e, err := d.at(r.index)
		if err != nil {
			return nil, fmt.Errorf("rotation by entry %d: %w", r.index, err)
		}
		one := Rotation{Seq: r.index, ID: e.ID, Time: e.Received, Old: r.Old, New: r.New}
		if e.Event != nil {
			if p, ok := e.Event.Payload.(*event.KeyRotatedPayload); ok {
				one.Reason, one.By = p.Reason, p.By
			}
		}
		out = append(out, one)
	}
	return out, nil
}

// PrepareKey makes a new signing key in the directory, for an event of kind [event.KeyRotated] that puts it in force. It works beside an
// owner. A key that no event names is removed by the next owner.
func (l *Ledger) PrepareKey() (old, next string, err error) {
	seed := make([]byte, 32)
	_, _ = rand.Read(seed)
	key, err := newSigningKey(seed, l.Origin())
	if err != nil {
		return "", "", err
	}
	fs := l.base()
	path := fs.PathJoin(l.dir, keysDir, nextName(key.verifier))
	if err := writeFile(fs, path, hex.EncodeToString(seed)+"\n", true); err != nil {
		return "", "", fmt.Errorf("write key %q: %w", path, err)
	}
	return l.PublicKey(), key.public, nil
}

// base is the file system of the ledger, also where it is open for reading only.
func (l *Ledger) base() vfs.FS {
	if l.pins != nil {
		return l.pins.FS
	}
	return l.opts.FS
}

// nextName is the file of a key that is not in force yet.
func nextName(v note.Verifier) string { return fmt.Sprintf("%s%08x", nextPrefix, v.KeyHash()) }

// nextKey reads the key that a rotation names.
func (l *Ledger) nextKey(r *rotation) (key *signingKey, path string, err error) {
	v, err := note.NewVerifier(r.New)
	if err != nil {
		return nil, "", fmt.Errorf("new key %q: %w", r.New, err)
	}
	fs := l.opts.FS
	path = fs.PathJoin(l.dir, keysDir, nextName(v))
	text, err := readFile(fs, path, 256)
	if err != nil {
		return nil, "", fmt.Errorf("read the new key: %w", err)
	}
	seed, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(seed) != 32 {
		return nil, "", fmt.Errorf("new key %q does not hold 64 hex digits", path)
	}
	if key, err = newSigningKey(seed, v.Name()); err == nil && key.public != r.New {
		err = fmt.Errorf("new key %q is %s, expected %s", path, key.public, r.New)
	}
	return key, path, err
}

// admitRotation refuses a rotation that could not be completed.
func (c *committer) admitRotation(p *event.KeyRotatedPayload) error {
	switch now := c.l.key(); {
	case c.l.rotating.Load() != nil:
		return fmt.Errorf("%w: another rotation waits for its checkpoint", ErrRotation)
	case p.Old != now.public:
		return fmt.Errorf("%w: %q is not the key in force, %s", ErrRotation, p.Old, now.public)
	case p.New == p.Old:
		return fmt.Errorf("%w: the new key is the old one", ErrRotation)
	}
	next, _, err := c.l.nextKey(&rotation{Old: p.Old, New: p.New})
	if err == nil && next.verifier.Name() != c.l.Origin() {
		err = fmt.Errorf("the new key is named %q, the log %q", next.verifier.Name(), c.l.Origin())
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRotation, err)
	}
	return nil
}

// rotate follows the entry at index.
func (c *committer) rotate(b batch, p *event.KeyRotatedPayload, index event.Seq) error {
	r := &rotation{index, p.Old, p.New}
	if err := b.Set(numberKey(prefixRotation, uint64(index)), r.value(), nil); err != nil {
		return err
	}
	c.l.rotating.Store(r)
	return nil
}

// value is what the store keeps, byte for byte.
func (r *rotation) value() []byte {
	b, _ := json.Marshal(r) // two strings
	return b
}

// loadChain reads the rotations of the store.
func loadChain(db pebble.Reader) ([]rotation, error) {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixRotation}, UpperBound: []byte{prefixRotation + 1}})
	if err != nil {
		return nil, fmt.Errorf("read rotations: %w", err)
	}
	defer it.Close()
	var chain []rotation
	for it.First(); it.Valid(); it.Next() {
		var r rotation
		if len(it.Key()) != 9 || json.Unmarshal(it.Value(), &r) != nil || !bytes.Equal(r.value(), it.Value()) {
			return nil, fmt.Errorf("rotation %x: %w", it.Key(), ErrDamaged)
		}
		r.index = event.Seq(binary.BigEndian.Uint64(it.Key()[1:]))
		chain = append(chain, r)
	}
	return chain, it.Error()
}

// loadSigning finds the key that signs next, and completes what an owner before began. damage is what was found so far.
func (l *Ledger) loadSigning(found error) (damage, err error) {
	chain, err := loadChain(l.db)
	if errors.Is(err, ErrDamaged) {
		chain, found, err = nil, errors.Join(found, err), nil
	}
	if err != nil {
		return found, err
	}
	name := ""
	if len(chain) > 0 {
		name, _, _ = strings.Cut(chain[0].Old, "+")
	}
	key, err := newSigningKey(l.keys.seed, name)
	if err != nil {
		return found, err
	}
	l.signing.Store(key)
	if len(chain) > 0 {
		newest := chain[len(chain)-1]
		switch key.public {
		case newest.New:
		case newest.Old:
			l.rotating.Store(&newest)
			if newest.within(l.points.last.Tree) && l.pins == nil { // both keys have signed
				if err := l.handOver(&newest); err != nil {
					return found, err
				}
			}
		default:
			found = errors.Join(found, fmt.Errorf("the signing key is %s, entry %d puts %s in force: %w", key.public, newest.index, newest.New, ErrDamaged))
		}
	}
	if l.pins != nil || found != nil {
		return found, nil
	}
	return nil, l.tidyKeys()
}

// handOver puts the new key in the place of the old one, after a checkpoint that both signed.
func (l *Ledger) handOver(r *rotation) error {
	key, path, err := l.nextKey(r)
	if err != nil {
		return err
	}
	fs := l.opts.FS
	dir := fs.PathJoin(l.dir, keysDir)
	if err := fs.Rename(path, fs.PathJoin(dir, signingFile)); err != nil {
		return fmt.Errorf("put the new key in place: %w", err)
	}
	if err := syncDir(fs, dir); err != nil {
		return fmt.Errorf("put the new key in place: %w", err)
	}
	l.signing.Store(key)
	l.rotating.Store(nil)
	return l.writeVerifier()
}

// tidyKeys writes the verifier key where it is missing or old, and removes keys that were prepared and never named.
func (l *Ledger) tidyKeys() error {
	if err := l.writeVerifier(); err != nil {
		return err
	}
	keep := ""
	if r := l.rotating.Load(); r != nil {
		if v, err := note.NewVerifier(r.New); err == nil {
			keep = nextName(v)
		}
	}
	fs := l.opts.FS
	dir := fs.PathJoin(l.dir, keysDir)
	names, err := fs.List(dir)
	if err != nil {
		return fmt.Errorf("list keys: %w", err)
	}
	for _, name := range names {
		if id, ok := strings.CutPrefix(strings.TrimSuffix(name, ".new"), nextPrefix); !ok || name == keep || len(id) != 8 {
			continue
		}
		if err := fs.Remove(fs.PathJoin(dir, name)); err != nil {
			return fmt.Errorf("remove a key that was never used: %w", err)
		}
	}
	return nil
}

func (l *Ledger) writeVerifier() error {
	fs := l.opts.FS
	path := fs.PathJoin(l.dir, keysDir, verifierFile)
	text := []byte(l.PublicKey() + "\n")
	if have, err := readFile(fs, path, 4096); err == nil && bytes.Equal(have, text) {
		return nil
	}
	if err := writeFile(fs, path, string(text), true); err != nil {
		return fmt.Errorf("write verifier key: %w", err)
	}
	return nil
}
