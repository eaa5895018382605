package responses

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

const (
	// maxSnippet bounds the text of an error body that is shown.
	maxSnippet = 1 << 10
	// maxHeaderText bounds a header value that is kept.
	maxHeaderText = 256
	cutMark       = " […cut]"
)

// httpError types an answer that is no stream.
func (c *Client) httpError(answer *http.Response, kind string, body []byte) *HTTPError {
	e := &HTTPError{
		Status:     answer.StatusCode,
		RequestID:  requestID(answer.Header),
		CFRay:      foreign(answer.Header.Get("Cf-Ray")),
		URL:        c.URL(),
		RetryAfter: retryAfter(answer.Header, c.opts.Now()),
		Snippet:    clip(c.creds.clean(oneLine(string(body))), maxSnippet),
	}
	var said wireFailure
	if json.Unmarshal(body, &said) == nil && said.Error != nil {
		e.Code, e.Type = foreign(said.Error.Code.text()), foreign(said.Error.Type)
		e.Message = clip(c.creds.clean(oneLine(said.Error.Message)), maxSnippet)
		if e.RetryAfter == 0 && e.Status == http.StatusTooManyRequests {
			e.RetryAfter = delayInText(e.Message)
		}
	}
	e.Hint = c.hint(e, kind)
	return e
}

func requestID(header http.Header) string {
	return foreign(firstOf(header.Get("X-Request-Id"), header.Get("X-Oai-Request-Id")))
}

// hint is the next step for a refused request.
func (c *Client) hint(e *HTTPError, kind string) string {
	provider := fmt.Sprintf("model provider %q", c.provider.Label())
	switch {
	case e.Status == http.StatusOK:
		return fmt.Sprintf("expected an event stream and got %s: check base_url of %s", kind, provider)
	case e.Status == http.StatusUnauthorized && c.creds.key.IsZero():
		return "no key was sent: set env_key for " + provider
	case e.Status == http.StatusUnauthorized:
		return fmt.Sprintf("the key came from %s: check that it is valid for %s", c.creds.source, provider)
	case e.Status == http.StatusForbidden:
		return "the key may not use this model or endpoint: check its rights, and model in config.toml"
	case e.Status == http.StatusNotFound:
		return fmt.Sprintf("check base_url of %s (%s is appended to it) and the model's name", provider, endpointPath)
	case e.Status >= 300 && e.Status < 400:
		return "redirects are not followed: set base_url of " + provider + " to the final address"
	case e.Code == "insufficient_quota" || e.Type == "insufficient_quota" || e.Type == "usage_limit_reached":
		return "the account's quota is used up: check plan and billing"
	case e.Status == http.StatusTooManyRequests:
		return "the server limits the rate: try again later"
	case e.Status >= 500:
		return "the fault is on the server's side: try again later"
	}
	return ""
}

// keyLike matches keys that are not ours but that a server may echo.
var keyLike = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\b(?:sk|pk|rk|key)-[A-Za-z0-9_*.-]{6,}|(?i:bearer)\s+[A-Za-z0-9._~+/=*-]{6,}`)
})

// clean removes the key, the provider's other secrets and key-like words.
// Values under four characters stay: they would mask ordinary text.
func (c credentials) clean(text string) string {
	if key := c.key.Reveal(); len(key) >= 4 {
		text = strings.ReplaceAll(text, key, mask)
	}
	for _, value := range c.secrets {
		if len(value) >= 4 {
			text = strings.ReplaceAll(text, value, mask)
		}
	}
	return keyLike().ReplaceAllString(text, mask)
}

// oneLine makes foreign text safe for a terminal: no control characters, no
// invalid UTF-8, runs of space folded.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}

// foreign makes a short value of a server safe to keep and show.
func foreign(text string) string { return clip(oneLine(text), maxHeaderText) }

// clip cuts text to at most limit bytes at a character boundary and marks the cut.
func clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	cut := limit - len(cutMark)
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + cutMark
}
