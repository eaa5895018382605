package ledger

import (
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/note"

	"proctor/event"
)

// keyWalk follows the signing keys, as the entries name them, in step with the checkpoints.
type keyWalk struct {
	chain []rotation
	force note.Verifier // signs checkpoints of the size that the walk has
	// leaving is the key before, which signs the next checkpoint too; nil when it did.
	leaving note.Verifier
	all     []note.Verifier
}

// begin finds the first key: the one that the oldest rotation replaced, or the ledger's.
func (w *keyWalk) begin(v *verifier) {
	w.force = v.l.key().verifier
	chain, err := loadChain(v.l.db)
	if err == nil && len(chain) > 0 {
		w.force, err = note.NewVerifier(chain[0].Old)
	}
	if err != nil {
		w.force = v.l.key().verifier
		v.add(SeverityError, Finding{Code: CodeKeyChain, Message: "the record of rotations cannot be read: " + err.Error()})
	}
	w.all = []note.Verifier{w.force}
}

// note takes the key that an entry puts in force.
func (w *keyWalk) note(v *verifier, index event.Seq, h entryHead, e *event.Event) {
	if e == nil {
		return
	}
	p, ok := e.Payload.(*event.KeyRotatedPayload)
	if !ok {
		return
	}
	next, err := rotated(w.force, p)
	if err == nil && w.leaving != nil {
		err = fmt.Errorf("no checkpoint was signed since the rotation before")
	}
	if err != nil {
		v.about(SeverityError, CodeKeyChain, index, h, err.Error())
	}
	if next == nil {
		return
	}
	w.chain = append(w.chain, rotation{index, p.Old, p.New})
	w.leaving, w.force = w.force, next
	w.all = append(w.all, next)
}

// rotated checks that a rotation follows the key in force, and gives the new one.
func rotated(force note.Verifier, p *event.KeyRotatedPayload) (note.Verifier, error) {
	next, err := note.NewVerifier(p.New)
	if err != nil {
		return nil, fmt.Errorf("the new key %q: %w", p.New, err)
	}
	old, err := note.NewVerifier(p.Old)
	switch {
	case err != nil:
		return next, fmt.Errorf("the old key %q: %w", p.Old, err)
	case old.Name() != force.Name() || old.KeyHash() != force.KeyHash():
		return next, fmt.Errorf("the rotation replaces key %s, but %s+%08x is in force", p.Old, force.Name(), force.KeyHash())
	case next.Name() != force.Name():
		return next, fmt.Errorf("the new key is named %q, the log %q", next.Name(), force.Name())
	}
	return next, nil
}

// check demands that the keys in force at this size signed, both when one follows the other there.
func (w *keyWalk) check(v *verifier, c Checkpoint) {
	for _, key := range []note.Verifier{w.leaving, w.force} {
		if key == nil {
			continue
		}
		if _, err := openCheckpoint(c.Note, key); err != nil {
			v.add(SeverityError, Finding{Code: CodeCheckpointSign, Message: fmt.Sprintf("checkpoint of %d entries, by key %s+%08x: %v", c.Size, key.Name(), key.KeyHash(), err)})
		}
	}
	w.leaving = nil
}

// open checks a signature by any key that the entries name.
func (w *keyWalk) open(signed string) (c Checkpoint, err error) {
	for _, key := range slices.Backward(w.all) {
		if c, err = openCheckpoint(signed, key); err == nil {
			return c, nil
		}
	}
	return c, err
}

// opens checks that a signed checkpoint is one of this ledger and of the tree with that root, for what others say about it.
func (w *keyWalk) opens(signed string, root event.Hash) error {
	c, err := w.open(signed)
	if err == nil && c.Root != root {
		err = fmt.Errorf("it names root %s, the entries give %s", c.Root, root)
	}
	return err
}

// rest compares what the entries tell with the store and with the key that the directory has.
func (w *keyWalk) rest(v *verifier) {
	chain, err := loadChain(v.l.db)
	if err != nil {
		return // begin names it
	}
	chain = slices.DeleteFunc(chain, func(r rotation) bool { return uint64(r.index) >= v.head.Size }) // recorded since the walk began
	if !slices.Equal(chain, w.chain) {
		v.add(SeverityError, Finding{Code: CodeKeyChain, Message: fmt.Sprintf("the store records %d rotations of the signing key, the entries tell of %d, or of others", len(chain), len(w.chain))})
	}
	rotating := v.l.rotating.Load() // before the key, which changes first
	now := v.l.key().verifier
	switch {
	case w.leaving != nil:
		v.add(SeverityNote, at(CodeKeyPending, w.chain[len(w.chain)-1].index, "no checkpoint was signed since the signing key was rotated; the next one completes it"))
	case rotating != nil && len(w.chain) > 0 && w.chain[len(w.chain)-1] == *rotating:
		v.add(SeverityNote, at(CodeKeyPending, rotating.index, "both keys signed the checkpoint after the rotation; the owner has not yet put the new key in place"))
	case v.l.Tree().Size == v.head.Size && now.KeyHash() != w.force.KeyHash():
		v.add(SeverityError, Finding{Code: CodeKeyChain, Message: fmt.Sprintf("the directory has the signing key %s, by the entries it is %s+%08x", v.l.PublicKey(), w.force.Name(), w.force.KeyHash())})
	}
}
