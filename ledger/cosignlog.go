package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Witnessed is one line of the file "cosignatures": what came of asking a witness. The file lies beside the store, so that
// whoever reads the ledger can add to it, beside its owner too.
type Witnessed struct {
	Time time.Time `json:"time"`
	URL  string    `json:"url"`
	Size uint64    `json:"size"`           // entries that the checkpoint covers
	Note string    `json:"note,omitempty"` // the checkpoint with the signatures of log and witness
	// Error is why there is no cosignature. Fork: what the witness saw before is not a beginning of this ledger.
	Error string `json:"error,omitempty"`
	Fork  bool   `json:"fork,omitempty"`
}

const (
	cosignatureFile = "cosignatures"
	// maxSignatureLines bounds what a witness answers, in bytes: a line has about 150.
	maxSignatureLines = 8 << 10
)

// ErrCosignature means that an answer is no cosignature by the witness that was asked.
var ErrCosignature = errors.New("not cosigned by a witness of the given keys")

// AddCosignature checks what a witness answered about a checkpoint, and stores it beside the checkpoint. It works beside an owner.
func (l *Ledger) AddCosignature(ctx context.Context, url string, c Checkpoint, lines string, witnesses []*Witness) ([]Cosignature, error) {
	if len(lines) > maxSignatureLines {
		return nil, fmt.Errorf("%w: an answer of more than %d bytes", ErrCosignature, maxSignatureLines)
	}
	good, bad := cosignatures(withLines(c.Note, lines), witnesses)
	switch {
	case len(bad) > 0:
		return nil, fmt.Errorf("%w: a signature of %s does not hold", ErrCosignature, strings.Join(bad, ", "))
	case len(good) == 0:
		return nil, fmt.Errorf("%w: it is signed by %q", ErrCosignature, signers(withLines(c.Note, lines)))
	}
	for _, g := range good {
		if ahead := g.Time.Sub(l.opts.Now()); ahead > early {
			return nil, fmt.Errorf("%w: %s signed it for %s, which is %v from now", ErrCosignature, g.Witness, g.Time, ahead)
		}
	}
	kept := c.Note
	for line := range strings.Lines(lines) { // of unknown keys nothing is kept
		if g, _ := cosignatures(withLines(c.Note, line), witnesses); len(g) > 0 {
			kept = withLines(kept, line)
		}
	}
	return good, l.logWitnessed(ctx, Witnessed{URL: url, Size: c.Size, Note: kept})
}

// AddWitnessFailure stores that a witness did not cosign, for Verify to report until it does. Of failures in a row only the
// first is kept, and the first that says that history differs.
func (l *Ledger) AddWitnessFailure(ctx context.Context, url string, size uint64, fork bool, cause error) error {
	before, err := l.Witnessed()
	if err != nil {
		return err
	}
	for i := len(before) - 1; i >= 0; i-- {
		if before[i].URL != url {
			continue
		}
		if before[i].Error != "" && before[i].Fork == fork {
			return nil
		}
		break
	}
	text := cause.Error()
	if len(text) > 512 {
		text = strings.ToValidUTF8(text[:512], "") + " [cut]"
	}
	return l.logWitnessed(ctx, Witnessed{URL: url, Size: size, Error: text, Fork: fork})
}

func (l *Ledger) logWitnessed(ctx context.Context, w Witnessed) error {
	w.Time = l.opts.Now().UTC().Truncate(time.Second)
	if err := l.logBeside(ctx, cosignatureFile, w); err != nil {
		return fmt.Errorf("store cosignature: %w", err)
	}
	return nil
}

// Witnessed reads what came of asking witnesses, the oldest first. Lines that a crash cut are left out.
func (l *Ledger) Witnessed() ([]Witnessed, error) {
	all, _, err := l.witnessed()
	return all, err
}

// witnessed also counts the lines that were whole and cannot be read.
func (l *Ledger) witnessed() (all []Witnessed, damaged int, err error) {
	fs := l.opts.FS
	f, err := fs.Open(fs.PathJoin(l.dir, cosignatureFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read cosignatures: %w", err)
	}
	defer f.Close()
	bad, err := readLog(f, func(line []byte) bool {
		var w Witnessed
		err := json.Unmarshal(line, &w)
		if err == nil && w.Note != "" {
			var t Tree
			if _, t, err = parseCheckpoint(w.Note); err == nil && t.Size != w.Size {
				err = errors.New("size")
			}
		}
		if err == nil {
			all = append(all, w)
		}
		return err == nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read cosignatures: %w", err)
	}
	return all, len(bad), nil
}

// cosigned is a checkpoint with the cosignatures that are stored for it.
func (l *Ledger) cosigned(c Checkpoint, all []Witnessed) Checkpoint {
	for _, w := range all {
		if w.Size != c.Size || w.Note == "" {
			continue
		}
		if _, t, err := parseCheckpoint(w.Note); err == nil && t == c.Tree {
			if _, lines, ok := strings.Cut(w.Note, "\n\n"); ok && len(c.Note)+len(lines) < maxLogLine {
				c.Note = withLines(c.Note, lines)
			}
		}
	}
	return c
}

// newestCosigned is the newest checkpoint that a witness cosigned, of size 0 when there is none.
func (l *Ledger) newestCosigned() (Checkpoint, error) {
	all, err := l.Witnessed()
	if err != nil {
		return Checkpoint{}, err
	}
	var newest Checkpoint
	for _, w := range all {
		_, t, err := parseCheckpoint(w.Note)
		if err == nil && t.Size > newest.Size && t.Size <= l.Tree().Size {
			newest = Checkpoint{t, ""}
		}
	}
	if newest.Size == 0 {
		return newest, nil
	}
	stored, err := get(l.db, numberKey(prefixCheckpoint, newest.Size))
	if err != nil || stored == nil {
		return Checkpoint{}, err
	}
	if newest, err = parseStoredCheckpoint(numberKey(prefixCheckpoint, newest.Size), stored); err != nil {
		return Checkpoint{}, nil //nolint:nilerr // Verify names it; another checkpoint will do
	}
	return l.cosigned(newest, all), nil
}

// CheckpointText is the part of a signed note that is signed, for witnesses. It checks the signature.
func CheckpointText(signed, publicKey string) (string, error) {
	v, err := note.NewVerifier(publicKey)
	if err != nil {
		return "", fmt.Errorf("verifier key: %w", err)
	}
	n, err := note.Open([]byte(signed), note.VerifierList(v))
	if err != nil {
		return "", err
	}
	return n.Text, nil
}
