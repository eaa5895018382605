package tsa

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"proctor/event"
	"proctor/ledger"
	"proctor/ledger/timestamp"
)

var (
	// ErrRefused means that the authority answered, and not with a time-stamp.
	ErrRefused = errors.New("the authority did not answer with a time-stamp")
	// ErrUnsigned means that the ledger has no checkpoint yet.
	ErrUnsigned = errors.New("the ledger has no signed checkpoint yet")
)

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
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil {
		return nil, errors.New("address of an authority: expected http:// or https:// with a host") // the error would show a password
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Fragment != "" {
		return nil, fmt.Errorf("address of an authority %q: expected http:// or https:// with a host, such as https://tsa.example/", u.Redacted())
	}
	return u, nil
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
		return Result{}, ErrUnsigned
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

// client follows no redirect: an authority has one address.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// post sends a request as RFC 3161 section 3.4 says.
func post(ctx context.Context, u *url.URL, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/timestamp-query")
	request.Header.Set("Accept", "application/timestamp-reply")
	request.Header.Set("User-Agent", "proctor")
	response, err := client.Do(request)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err // without the address, which may hold a password
		}
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, timestamp.MaxResponse+1))
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read answer: %w", err)
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%w: status %d %s", ErrRefused, response.StatusCode, http.StatusText(response.StatusCode))
	case kind != "application/timestamp-reply":
		return nil, fmt.Errorf("%w: it is of type %.100q, expected application/timestamp-reply; is this the address for time-stamps?", ErrRefused, kind)
	case len(answer) > timestamp.MaxResponse:
		return nil, fmt.Errorf("%w: it has more than %d bytes", ErrRefused, timestamp.MaxResponse)
	}
	return answer, nil
}
