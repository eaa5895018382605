package tsa

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"proctor/event"
	"proctor/ledger"
	"proctor/ledger/attestor"
	"proctor/ledger/timestamp"
)

// ErrRefused means that the authority answered, and not with a time-stamp.
var ErrRefused = errors.New("the authority did not answer with a time-stamp")

// Log is what is time-stamped; *ledger.Ledger is one.
type Log interface {
	LastCheckpoint() ledger.Checkpoint
	Timestamped() ([]ledger.Timestamped, error)
	AddTimestamp(ctx context.Context, url string, c ledger.Checkpoint, token *timestamp.Token, roots *x509.CertPool) (ledger.Timestamp, error)
}

// Result is what an authority time-stamped.
type Result struct {
	ledger.Timestamp
	URL     string
	Root    event.Hash // of the tree
	Note    string     // the checkpoint: the bytes that the token is over
	Token   []byte     // DER
	Already bool       // it had time-stamped this checkpoint before; nobody was asked
}

// CheckURL reads the address of an authority.
func CheckURL(text string) (*url.URL, error) {
	return attestor.ParseURL(text, "an authority", "https://tsa.example/")
}

// limit is how long an authority may take, whatever ctx says.
const limit = 30 * time.Second

// Ask gets a token over the newest checkpoint from the authority at a URL and stores it, unless it has one that holds. Where roots are
// given, the authority's certificate must lead to one of them; with nil those of the system are tried, and the result says what came of it.
func Ask(ctx context.Context, l Log, address string, roots *x509.CertPool) (Result, error) {
	u, err := CheckURL(address)
	if err != nil {
		return Result{}, err
	}
	c := l.LastCheckpoint()
	if c.Size == 0 {
		return Result{}, attestor.ErrUnsigned
	}
	all, err := l.Timestamped()
	if err != nil {
		return Result{}, err
	}
	for _, before := range all {
		if before.URL != u.Redacted() || before.Note != c.Note {
			continue
		}
		if r, err := Stored(before, roots); err == nil {
			return r, nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	token, err := ask(ctx, u, []byte(c.Note))
	var t ledger.Timestamp
	if err == nil {
		t, err = l.AddTimestamp(ctx, u.Redacted(), c, token, roots)
	}
	if err != nil {
		return Result{}, fmt.Errorf("time-stamping authority %s: %w", u.Redacted(), err)
	}
	return Result{t, u.Redacted(), c.Root, c.Note, token.Raw, false}, nil
}

// Stored is a token that was asked for before, checked by itself: not whether its checkpoint is of the ledger, which Verify does.
func Stored(s ledger.Timestamped, roots *x509.CertPool) (Result, error) {
	t, root, err := ledger.CheckTimestamp(s, roots)
	if err != nil {
		return Result{}, fmt.Errorf("stored time-stamp of %s over %d entries: %w", s.URL, s.Size, err)
	}
	return Result{t, s.URL, root, s.Note, s.Token, true}, nil
}

// ask is one question. The answer is one to it; more is not checked.
func ask(ctx context.Context, u *url.URL, data []byte) (*timestamp.Token, error) {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	nonce := binary.BigEndian.Uint64(random[:])
	request, err := timestamp.BuildRequest(data, nonce)
	if err != nil {
		return nil, err
	}
	answer, err := post(ctx, u, request)
	if err != nil {
		return nil, err
	}
	token, err := timestamp.ParseResponse(answer)
	if err == nil {
		err = token.Answers(nonce)
	}
	return token, err
}

// post sends a request as RFC 3161 section 3.4 says.
func post(ctx context.Context, u *url.URL, body []byte) ([]byte, error) {
	header := http.Header{"Content-Type": {"application/timestamp-query"}, "Accept": {"application/timestamp-reply"}}
	answer, err := attestor.Post(ctx, u, header, body, timestamp.MaxResponse)
	switch {
	case err != nil:
		return nil, err
	case answer.Status != http.StatusOK:
		return nil, fmt.Errorf("%w: status %d %s", ErrRefused, answer.Status, http.StatusText(answer.Status))
	case answer.Type != "application/timestamp-reply":
		return nil, fmt.Errorf("%w: it is of type %.100q, expected application/timestamp-reply; is this the address for time-stamps?", ErrRefused, answer.Type)
	case answer.Long:
		return nil, fmt.Errorf("%w: it has more than %d bytes", ErrRefused, timestamp.MaxResponse)
	}
	return answer.Body, nil
}
