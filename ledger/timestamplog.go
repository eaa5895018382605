package ledger

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"proctor/event"
	"proctor/ledger/timestamp"
)

// Timestamped is one line of the file "timestamps": a token of an authority over a checkpoint.
type Timestamped struct {
	Time  time.Time `json:"time"` // by the clock of this machine
	URL   string    `json:"url"`
	Size  uint64    `json:"size"` // entries that the checkpoint covers
	Note  string    `json:"note"` // the checkpoint: the bytes that the token is over
	Token []byte    `json:"token"`
}

const timestampFile = "timestamps"

// Timestamp is an authority's word that a checkpoint was there at a time.
type Timestamp struct {
	Size      uint64    `json:"size"`
	Time      time.Time `json:"time"`      // by the clock of the authority
	Authority string    `json:"authority"` // subject of the certificate that signed
	// Chain is the subject of the trusted root that the certificate leads to. It is empty where there is none: then anybody may have made the
	// certificate, and Unchained says why.
	Chain     string `json:"chain,omitempty"`
	Unchained string `json:"unchained,omitempty"`
}

// timestampOf checks a token over a signed note, and reads it. Where roots are given, its certificate must lead to one of them; with nil those of the
// system are tried. The error is one of package timestamp.
func timestampOf(der []byte, note string, size uint64, roots *x509.CertPool) (out Timestamp, err error) {
	token, err := timestamp.ParseToken(der)
	if err == nil {
		err = token.Verify([]byte(note))
	}
	if err != nil {
		return out, err
	}
	out = Timestamp{Size: size, Time: token.Time, Authority: token.Authority()}
	if out.Chain, err = token.Chain(roots); err != nil && roots == nil {
		out.Unchained, err = err.Error(), nil
	}
	return out, err
}

// CheckTimestamp checks a stored token by itself, not whether its checkpoint is of this ledger; that is for Verify, with roots as in
// AddTimestamp. It returns the root of the tree, too.
func CheckTimestamp(t Timestamped, roots *x509.CertPool) (Timestamp, event.Hash, error) {
	_, tree, err := parseCheckpoint(t.Note)
	if err != nil {
		return Timestamp{}, tree.Root, err
	}
	out, err := timestampOf(t.Token, t.Note, t.Size, roots)
	return out, tree.Root, err
}

// AddTimestamp checks a token over the note of a checkpoint, and stores both. It works beside an owner. Where roots are given, the certificate must
// lead to one of them; without, those of the system are tried.
func (l *Ledger) AddTimestamp(ctx context.Context, url string, c Checkpoint, token *timestamp.Token, roots *x509.CertPool) (Timestamp, error) {
	t, err := timestampOf(token.Raw, c.Note, c.Size, roots)
	if err != nil {
		return t, err
	}
	if ahead := t.Time.Sub(l.opts.Now()); ahead > early {
		return t, fmt.Errorf("%w: it is for %s, which is %v from now by this machine's clock", timestamp.ErrForeign, t.Time.Format(time.RFC3339), ahead.Round(time.Second))
	}
	line := Timestamped{Time: l.opts.Now().UTC().Truncate(time.Second), URL: url, Size: c.Size, Note: c.Note, Token: token.Raw}
	if err := l.logBeside(ctx, timestampFile, line); err != nil {
		return t, fmt.Errorf("store time-stamp: %w", err)
	}
	return t, nil
}

// Timestamped reads the stored tokens, the oldest first, and checks none. Lines that a crash cut are left out, and lines that cannot be read.
func (l *Ledger) Timestamped() ([]Timestamped, error) {
	all, _, err := l.timestamped()
	return all, err
}

// timestamped also tells the numbers of lines that were whole and cannot be read.
func (l *Ledger) timestamped() (all []Timestamped, damaged []int, err error) {
	fs := l.opts.FS
	f, err := fs.Open(fs.PathJoin(l.dir, timestampFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read time-stamps: %w", err)
	}
	defer f.Close()
	damaged, err = readLog(f, func(line []byte) bool {
		var t Timestamped
		if strictJSON(line, &t) != nil {
			return false
		}
		if _, tree, err := parseCheckpoint(t.Note); err != nil || tree.Size != t.Size || t.Size == 0 {
			return false
		}
		if again, err := json.Marshal(t); err != nil || string(again) != string(line) {
			return false
		}
		all = append(all, t)
		return true
	})
	if err != nil {
		return nil, damaged, fmt.Errorf("read time-stamps: %w", err)
	}
	return all, damaged, nil
}
