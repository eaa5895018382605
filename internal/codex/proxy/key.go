package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"proctor/internal/responses"
)

// maxKey bounds a key, in bytes.
const maxKey = 4096

// ReadKey reads the key from r to its end; blanks around it do not count. Errors do not show what was read.
func ReadKey(r io.Reader) (responses.APIKey, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxKey+1))
	if err != nil {
		return responses.APIKey{}, fmt.Errorf("read the key from standard input: %w", err)
	}
	defer clear(b)
	text := bytes.TrimSpace(b)
	switch {
	case len(b) > maxKey:
		return responses.APIKey{}, fmt.Errorf("the key on standard input has more than %d bytes", maxKey)
	case len(text) == 0:
		return responses.APIKey{}, errors.New("no key on standard input; pipe it in: printenv OPENAI_API_KEY | env -u OPENAI_API_KEY proctor codex proxy")
	case bytes.ContainsFunc(text, func(c rune) bool { return !inToken(c) }):
		return responses.APIKey{}, errors.New("what is on standard input is no key: expected letters, digits and -._~+/= on one line")
	}
	return responses.NewAPIKey(string(text)), nil
}

// inToken is the alphabet of bearer tokens (RFC 6750, 2.1).
func inToken(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-._~+/=", c)
}

// withheld stands for the key where a server repeats it.
const withheld = "[key withheld]"

// scrub replaces the key in what came from elsewhere.
func (s *Server) scrub(b []byte) []byte {
	return bytes.ReplaceAll(b, []byte(s.o.Key.Reveal()), []byte(withheld))
}
