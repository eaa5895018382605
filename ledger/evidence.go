package ledger

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"proctor/event"
)

// EvidenceVersion is the newest version of the evidence file, that of one with time-stamps; one without is written as version 1, which older programs
// read too. The format is described in doc/evidence-format.md.
const EvidenceVersion = 2

// timestampsFrom is the version from which on files may hold time-stamps.
const timestampsFrom = 2

// ErrUncovered means that no signature covers the entries yet, and that this process cannot make one.
var ErrUncovered = errors.New("no checkpoint covers the entries yet")

// The values of evidenceHead.Content.
const (
	contentIncluded = "included"
	contentLeftOut  = "left_out"
)

// evidenceHead is the first line of an evidence file.
type evidenceHead struct {
	Version    int    `json:"proctor_evidence"`
	Session    string `json:"session"`
	PublicKey  string `json:"public_key"`
	Checkpoint string `json:"checkpoint"`
	// Rotations lead from the first key of the ledger to PublicKey.
	Rotations []evidenceRotation `json:"rotations,omitempty"`
	// Timestamps are what authorities time-stamped; from version 2 on.
	Timestamps []evidenceTimestamp `json:"timestamps,omitempty"`
	First      uint64              `json:"first"` // number of the first entry in its session
	Entries    uint64              `json:"entries"`
	Content    string              `json:"content"`
}

// evidenceEntry is each further line.
type evidenceEntry struct {
	Entry   string          `json:"entry"` // the very bytes that the leaf hash covers
	Proof   []event.Hash    `json:"proof"`
	Content json.RawMessage `json:"content,omitempty"`
}

// EvidenceOptions say what goes into an evidence file. The zero value is everything.
type EvidenceOptions struct {
	// WithoutContent leaves the sensitive texts out; what the entries commit to stays.
	WithoutContent bool
	// Progress is called for each entry, in the caller's goroutine.
	Progress func(done, total uint64)
}

// Evidence writes the evidence file of a session as it is now: all entries, the proof that each is in the tree, and the
// signed checkpoint. Where the ledger may sign, it signs a new checkpoint; beside an owner the newest one must cover the
// session, or it is ErrUncovered. It returns the number of entries.
func (l *Ledger) Evidence(ctx context.Context, w io.Writer, session string, o EvidenceOptions) (uint64, error) {
	info, err := l.SessionInfo(ctx, session)
	if err != nil {
		return 0, err
	}
	head := evidenceHead{Session: session, First: 1, Entries: info.Events}
	if err := l.evidence(ctx, w, head, info.Last, o); err != nil {
		return 0, fmt.Errorf("write evidence of session %s: %w", session, err)
	}
	return info.Events, nil
}

// EntryEvidence writes an evidence file of one entry: that it is in the tree, and nothing about what came before or after it.
func (l *Ledger) EntryEvidence(ctx context.Context, w io.Writer, seq event.Seq, o EvidenceOptions) error {
	entries, err := l.Read(ctx, seq, 1)
	if err == nil && len(entries) == 0 {
		err = fmt.Errorf("the ledger has %d entries", l.Tree().Size)
	}
	if err == nil {
		head := evidenceHead{Session: entries[0].Session, First: entries[0].SessionSeq, Entries: 1}
		err = l.evidence(ctx, w, head, seq, o)
	}
	if err != nil {
		return fmt.Errorf("write evidence of entry %d: %w", seq, err)
	}
	return nil
}

// cosignedFor is the newest checkpoint that a witness cosigned, if last is in its tree and the key in force signed it.
func (l *Ledger) cosignedFor(last event.Seq) (Checkpoint, error) {
	if err := l.begin(); err != nil {
		return Checkpoint{}, err
	}
	defer l.end()
	c, err := l.newestCosigned()
	if err != nil || c.Size <= uint64(last) {
		return Checkpoint{}, err
	}
	if _, err := openCheckpoint(c.Note, l.key().verifier); err != nil {
		return Checkpoint{}, nil //nolint:nilerr // an older key signed it
	}
	return c, nil
}

// covering is a checkpoint with last in its tree, cosigned if there is such a one.
func (l *Ledger) covering(ctx context.Context, last event.Seq) (Checkpoint, error) {
	if c, err := l.cosignedFor(last); err != nil || c.Size > 0 {
		return c, err
	}
	c, err := l.Checkpoint(ctx)
	if errors.Is(err, ErrFailed) {
		c, err = l.LastCheckpoint(), nil
	}
	if err == nil && c.Size <= uint64(last) {
		err = fmt.Errorf("%w: the newest has %d entries, and entry %d is wanted; the ledger's owner signs every 30 seconds and when it ends", ErrUncovered, c.Size, last)
	}
	return c, err
}

func (l *Ledger) evidence(ctx context.Context, w io.Writer, head evidenceHead, last event.Seq, o EvidenceOptions) error {
	c, err := l.covering(ctx, last)
	if err != nil {
		return err
	}
	if err := l.begin(); err != nil {
		return err
	}
	defer l.end()
	head.Version, head.Checkpoint, head.Content = 1, c.Note, contentIncluded
	if err := l.signedBy(&head, c); err != nil {
		return err
	}
	key, err := note.NewVerifier(head.PublicKey)
	if err != nil {
		return err
	}
	if head.Timestamps, err = l.timestampsFor(c, key, last); err != nil {
		return err
	}
	if len(head.Timestamps) > 0 {
		head.Version = timestampsFrom
	}
	if o.WithoutContent {
		head.Content = contentLeftOut
	}
	out := bufio.NewWriter(w)
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	if err := lines.Encode(head); err != nil {
		return err
	}
	d := l.newDecoder()
	for n := range head.Entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		line, err := l.evidenceEntry(d, head, head.First+n, c.Size)
		if err != nil {
			return fmt.Errorf("number %d: %w", head.First+n, err)
		}
		if err := lines.Encode(line); err != nil {
			return err
		}
		if o.Progress != nil {
			o.Progress(n+1, head.Entries)
		}
	}
	return out.Flush()
}

// evidenceEntry is the line of the entry with this number in the session.
func (l *Ledger) evidenceEntry(d *decoder, head evidenceHead, number, size uint64) (line evidenceEntry, err error) {
	place, err := get(l.db, sessionKey(prefixSession, head.Session, number))
	if err != nil {
		return line, err
	}
	if len(place) != 8 {
		return line, fmt.Errorf("the session's index does not have it: %w", ErrDamaged)
	}
	index := binary.BigEndian.Uint64(place)
	raw, err := get(l.db, numberKey(prefixEntry, index))
	if err != nil {
		return line, err
	}
	s, err := parseEntry(raw)
	if err != nil {
		return line, fmt.Errorf("%w: %w", err, ErrDamaged)
	}
	h, err := parseHeadOf(s.public)
	if err != nil || !utf8.Valid(raw) {
		return line, errors.Join(fmt.Errorf("entry %d is not an event: %w", index, ErrDamaged), err)
	}
	line.Entry = string(raw)
	proof, err := tlog.ProveRecord(int64(size), int64(index), l.treeReader(&l.opened)) //nolint:gosec // at most what the ledger has
	line.Proof = ownHashes(proof)
	if err != nil || head.Content == contentLeftOut {
		return line, err
	}
	line.Content, err = d.content(h, event.Seq(index))
	return line, err
}
