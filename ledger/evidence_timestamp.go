package ledger

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"proctor/event"
	"proctor/ledger/timestamp"
)

// evidenceTimestamp shows that the entries of an evidence file were there at a time: a checkpoint of the same ledger that covers them, and an
// authority's token over it.
type evidenceTimestamp struct {
	Checkpoint string `json:"checkpoint"` // the bytes that the token is over
	Token      []byte `json:"token"`      // DER
	// Proof: of this checkpoint's tree and that of the file's own checkpoint, the smaller is a beginning of the larger. None when they are one.
	Proof []event.Hash `json:"proof,omitempty"`
}

// maxEvidenceTimestamps bounds those that an evidence file may hold.
const maxEvidenceTimestamps = 16

// timestampsFor are the earliest tokens, one of each authority, over checkpoints with last in their tree that the key signed. What does not
// hold is left out: Verify names it.
func (l *Ledger) timestampsFor(c Checkpoint, key note.Verifier, last event.Seq) (out []evidenceTimestamp, err error) {
	all, _, err := l.timestamped()
	if err != nil {
		return nil, err
	}
	type candidate struct {
		Timestamped
		when      time.Time
		authority string
	}
	var list []candidate
	for _, line := range all {
		if line.Size <= uint64(last) || line.Size > l.Tree().Size {
			continue
		}
		if token, err := timestamp.ParseToken(line.Token); err == nil {
			list = append(list, candidate{line, token.Time, token.Authority() + "\n" + line.URL})
		}
	}
	slices.SortStableFunc(list, func(a, b candidate) int { return a.when.Compare(b.when) })
	done := map[string]bool{}
	for _, line := range list {
		if done[line.authority] || len(out) == maxEvidenceTimestamps {
			continue
		}
		if _, err := timestampOf(line.Token, line.Note, line.Size, nil); err != nil {
			continue
		}
		shown := evidenceTimestamp{Checkpoint: line.Note, Token: line.Token}
		if shown.Proof, err = l.proveBoth(c.Size, line.Size); err != nil {
			return nil, fmt.Errorf("time-stamp over %d entries: %w", line.Size, err)
		}
		if _, err := shown.follow(c.Tree, key); err == nil {
			out, done[line.authority] = append(out, shown), true
		}
	}
	return out, nil
}

// proveBoth proves that of two trees the smaller is a beginning of the larger.
func (l *Ledger) proveBoth(a, b uint64) ([]event.Hash, error) {
	if a == b {
		return nil, nil
	}
	proof, err := tlog.ProveTree(int64(max(a, b)), int64(min(a, b)), l.treeReader(&l.opened)) //nolint:gosec // at most what the ledger has
	return ownHashes(proof), err
}

// follow proves that the key signed the checkpoint, and that its tree and the other are of one ledger.
func (t evidenceTimestamp) follow(other Tree, key note.Verifier) (Tree, error) {
	c, err := openCheckpoint(t.Checkpoint, key)
	if err != nil {
		return Tree{}, err
	}
	small, large := c.Tree, other
	if small.Size > large.Size {
		small, large = large, small
	}
	if small.Size == large.Size {
		if small.Root != large.Root || len(t.Proof) > 0 {
			err = errors.New("it is of another tree of as many entries")
		}
		return c.Tree, err
	}
	err = tlog.CheckTree(tlogHashes(t.Proof), int64(large.Size), tlog.Hash(large.Root), int64(small.Size), tlog.Hash(small.Root)) //nolint:gosec // sizes that were signed have 63 bits
	return c.Tree, err
}

// timestamped checks the tokens of the file. How many entries the checkpoints cover is for the end.
func (e *evidenceCheck) timestamped(roots *x509.CertPool) {
	key, err := note.NewVerifier(e.head.PublicKey)
	if err != nil || e.out.Tree.Size == 0 {
		return // its checkpoint is no good
	}
	for i, t := range e.head.Timestamps {
		about := fmt.Sprintf("time-stamp %d", i+1)
		tree, err := t.follow(e.out.Tree, key)
		if err != nil {
			e.add(SeverityError, Finding{Code: CodeTimestampForeign, Message: fmt.Sprintf("%s is over a checkpoint that does not go with that of the file: %v", about, err)})
			continue
		}
		stamp, err := timestampOf(t.Token, t.Checkpoint, tree.Size, roots)
		if err != nil {
			e.add(SeverityError, Finding{Code: timestampCode(err), Message: fmt.Sprintf("%s: %v", about, err)})
			continue
		}
		e.chained(stamp)
		e.out.Timestamps = append(e.out.Timestamps, stamp)
	}
}

// untimed reports tokens over checkpoints that do not cover the entries of the file.
func (e *evidenceCheck) untimed() {
	for _, t := range e.out.Timestamps {
		if t.Size <= uint64(e.story.index) {
			e.add(SeverityError, Finding{Code: CodeTimestampForeign, Message: fmt.Sprintf("%s time-stamped %d entries, the last one here is entry %d", t.Authority, t.Size, e.story.index)})
		}
	}
}
