package ledger

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"proctor/event"
)

// evidenceRotation shows that one key handed over to another: a checkpoint that the old key signed, and in its tree the
// entry that names the new one.
type evidenceRotation struct {
	Checkpoint string       `json:"checkpoint"`
	Entry      string       `json:"entry"`
	Proof      []event.Hash `json:"proof"`
}

// maxRotations bounds those that an evidence file may hold.
const maxRotations = 1000

// signedBy fills in the key that signed the checkpoint c, and how the ledger came to it.
func (l *Ledger) signedBy(head *evidenceHead, c Checkpoint) error {
	chain, err := loadChain(l.db)
	if err != nil {
		return err
	}
	head.PublicKey = l.PublicKey()
	if len(chain) > 0 {
		head.PublicKey = chain[0].Old
	}
	for _, r := range chain {
		if !r.within(c.Tree) {
			break
		}
		shown, err := l.showRotation(r)
		if err != nil {
			return fmt.Errorf("rotation by entry %d: %w", r.index, err)
		}
		head.Rotations, head.PublicKey = append(head.Rotations, shown), r.New
	}
	return nil
}

func (l *Ledger) showRotation(r rotation) (shown evidenceRotation, err error) {
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: numberKey(prefixCheckpoint, uint64(r.index)+1), UpperBound: []byte{prefixCheckpoint + 1}})
	if err != nil {
		return shown, err
	}
	defer it.Close()
	if !it.First() {
		return shown, errors.Join(ErrUncovered, it.Error())
	}
	c, err := parseStoredCheckpoint(it.Key(), it.Value())
	if err != nil {
		return shown, err
	}
	raw, err := get(l.db, numberKey(prefixEntry, uint64(r.index)))
	if err != nil {
		return shown, err
	}
	proof, err := tlog.ProveRecord(int64(c.Size), int64(r.index), l.treeReader(&l.opened)) //nolint:gosec // at most what the ledger has
	return evidenceRotation{c.Note, string(raw), ownHashes(proof)}, err
}

// keys follows the rotations of the file to the key that signed its checkpoint, and finds the given key among them, if one is given.
func (e *evidenceCheck) keys(given string) {
	foreign := func(format string, args ...any) {
		e.add(SeverityError, Finding{Code: CodeForeignKey, Message: fmt.Sprintf(format, args...)})
	}
	force, known := e.head.PublicKey, given == "" || given == e.head.PublicKey
	for i, r := range e.head.Rotations {
		p, err := followRotation(r)
		if err == nil && i > 0 && p.Old != force {
			err = fmt.Errorf("it replaces %s, not the key before, %s", p.Old, force)
		}
		if err != nil {
			e.add(SeverityError, Finding{Code: CodeKeyChain, Message: fmt.Sprintf("rotation %d of the signing key: %v", i+1, err)})
			return
		}
		known, force = known || p.Old == given, p.New
	}
	switch {
	case force != e.head.PublicKey:
		e.add(SeverityError, Finding{Code: CodeKeyChain, Message: fmt.Sprintf("the rotations end with %s, the file is signed with %s", force, e.head.PublicKey)})
	case !known:
		foreign("the file is signed with %s, expected %s", e.head.PublicKey, given)
	}
	e.out.Rotations = len(e.head.Rotations)
}

// followRotation proves that the old key signed a tree with the entry that names the new key.
func followRotation(r evidenceRotation) (*event.KeyRotatedPayload, error) {
	s, err := parseEntry([]byte(r.Entry))
	if err != nil {
		return nil, err
	}
	decoded, err := event.Decode(event.Encoded{Public: s.public})
	if err != nil {
		return nil, err
	}
	p, ok := decoded.Payload.(*event.KeyRotatedPayload)
	if !ok {
		return nil, fmt.Errorf("entry %d is of kind %s, not %s", s.index, decoded.Kind, event.KeyRotated)
	}
	old, err := note.NewVerifier(p.Old)
	if err != nil {
		return nil, fmt.Errorf("old key: %w", err)
	}
	next, err := rotated(old, p)
	if err != nil {
		return nil, err
	}
	var c Checkpoint
	for _, key := range []note.Verifier{old, next} {
		if c, err = openCheckpoint(r.Checkpoint, key); err != nil {
			return nil, err
		}
	}
	return p, provenIn(c.Tree, r.Proof, s.index, leafHash([]byte(r.Entry)))
}

// cosigned checks the cosignatures on the checkpoint of the file.
func (e *evidenceCheck) cosigned(o EvidenceChecks) {
	if e.out.Tree.Size == 0 {
		return // its checkpoint is no good
	}
	var bad []string
	e.out.Cosignatures, bad = cosignatures(e.head.Checkpoint, o.Witnesses)
	e.out.Cosigners = signers(e.head.Checkpoint)
	if len(bad) > 0 {
		e.add(SeverityError, Finding{Code: CodeCosignature, Message: fmt.Sprintf("the cosignature of %s does not hold", strings.Join(bad, ", "))})
	}
	if n := len(e.out.Cosignatures); n < o.Quorum {
		e.add(SeverityError, Finding{Code: CodeWitnessQuorum, Message: fmt.Sprintf("%d of the given witnesses cosigned the checkpoint, expected %d", n, o.Quorum)})
	}
}
