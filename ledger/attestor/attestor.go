package attestor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// ErrUnsigned means that the ledger has no checkpoint yet, so there is nothing to show.
var ErrUnsigned = errors.New("the ledger has no signed checkpoint yet")

// ParseURL reads the address of an attestor. What and example are for the error: "a witness", "https://witness.example/".
func ParseURL(text, what, example string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	shown := ""
	if err == nil {
		if (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.Fragment == "" {
			return u, nil
		}
		shown = fmt.Sprintf(" %q", u.Redacted())
	}
	return nil, fmt.Errorf("address of %s%s: expected http:// or https:// with a host, such as %s", what, shown, example)
}

// Answer is what an attestor sent back, whatever its status.
type Answer struct {
	Status int
	Type   string // media type without parameters, "" when it states none
	Body   []byte
	Long   bool // there is more, which was not read
}

var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// Post sends body and reads at most limit bytes of the answer. header says what the protocol asks for.
func Post(ctx context.Context, u *url.URL, header http.Header, body []byte, limit int) (Answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return Answer{}, withoutAddress(err)
	}
	request.Header = header.Clone()
	request.Header.Set("User-Agent", "proctor")
	response, err := client.Do(request)
	if err != nil {
		return Answer{}, withoutAddress(err)
	}
	defer func() { _ = response.Body.Close() }()
	a := Answer{Status: response.StatusCode}
	a.Type, _, _ = mime.ParseMediaType(response.Header.Get("Content-Type"))
	if a.Body, err = io.ReadAll(io.LimitReader(response.Body, int64(limit)+1)); err != nil {
		return Answer{}, fmt.Errorf("read answer: %w", err)
	}
	if len(a.Body) > limit {
		a.Body, a.Long = a.Body[:limit], true
	}
	return a, nil
}

func withoutAddress(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}
