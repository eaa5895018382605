package responses

import (
	"net/http"
	"net/textproto"
	"strings"
)

// Variables that carry an OpenAI key, in the order in which they are asked.
const (
	envCodexKey  = "CODEX_API_KEY"
	envOpenAIKey = "OPENAI_API_KEY"
	envRefresh   = "CODEX_REFRESH_TOKEN_URL_OVERRIDE"
)

// AuthEnv is what the telemetry of an attempt says about the environment: which
// keys are present, never what they are.
type AuthEnv struct {
	OpenAIKeyPresent          bool
	CodexKeyPresent           bool
	CodexKeyEnabled           bool
	ProviderKeyName           string // "configured" when env_key is set, else empty
	ProviderKeyPresent        bool
	RefreshURLOverridePresent bool
}

// AuthEnv reads the facts for telemetry.
func (p Provider) AuthEnv(getenv func(string) string) AuthEnv {
	facts := AuthEnv{
		OpenAIKeyPresent:          getenv(envOpenAIKey) != "",
		CodexKeyPresent:           getenv(envCodexKey) != "",
		CodexKeyEnabled:           true,
		RefreshURLOverridePresent: getenv(envRefresh) != "",
	}
	if p.EnvKey != "" {
		facts.ProviderKeyName = "configured"
		facts.ProviderKeyPresent = getenv(p.EnvKey) != ""
	}
	return facts
}

// credentials are resolved once, when the client is made.
type credentials struct {
	key APIKey
	// source says where the key came from, for error messages.
	source string
	header http.Header
	// secrets are the values besides the key that no error text may show.
	secrets []string
}

// resolve finds the key and the provider's headers.
func (p Provider) resolve(getenv func(string) string) (credentials, error) {
	creds := credentials{header: http.Header{}}
	for name, value := range p.QueryParams {
		creds.hide(name, value)
	}
	for name, value := range p.HTTPHeaders {
		creds.header.Set(name, value)
		creds.hide(name, value)
	}
	for name, variable := range p.EnvHTTPHeaders {
		if value := strings.TrimSpace(getenv(variable)); value != "" && validHeader(name, value) {
			creds.header.Set(name, value)
			creds.secrets = append(creds.secrets, value)
		}
	}
	switch {
	case p.EnvKey != "":
		creds.key, creds.source = NewAPIKey(strings.TrimSpace(getenv(p.EnvKey))), "environment variable "+p.EnvKey
		if creds.key.IsZero() {
			return creds, &MissingKeyError{Provider: p.Label(), Variables: []string{p.EnvKey}, Instructions: p.EnvKeyInstructions}
		}
	case !p.BearerToken.IsZero():
		creds.key, creds.source = p.BearerToken, "experimental_bearer_token in the configuration"
	case p.RequiresOpenAIAuth:
		for _, variable := range []string{envCodexKey, envOpenAIKey} {
			if key := NewAPIKey(strings.TrimSpace(getenv(variable))); !key.IsZero() {
				creds.key, creds.source = key, "environment variable "+variable
				break
			}
		}
		if creds.key.IsZero() {
			return creds, &MissingKeyError{Provider: p.Label(), Variables: []string{envOpenAIKey, envCodexKey}, Instructions: p.EnvKeyInstructions}
		}
	}
	if !creds.key.IsZero() && !validHeader("Authorization", creds.key.Reveal()) {
		return creds, &MissingKeyError{Provider: p.Label(), Malformed: true, Variables: []string{strings.TrimPrefix(creds.source, "environment variable ")}}
	}
	return creds, nil
}

// hide remembers value as a secret if its name says so.
func (c *credentials) hide(name, value string) {
	name = strings.ToLower(name)
	for _, word := range []string{"key", "token", "secret", "auth", "cookie", "sig", "password"} {
		if strings.Contains(name, word) {
			c.secrets = append(c.secrets, value)
			return
		}
	}
}

// attach sets the provider's headers and the key.
func (c credentials) attach(header http.Header) {
	for name, values := range c.header {
		header[name] = append([]string(nil), values...)
	}
	if !c.key.IsZero() {
		header.Set("Authorization", "Bearer "+c.key.Reveal())
	}
}

// authHeader names the header that authenticates, in lower case; empty if none.
func authHeader(header http.Header) string {
	for _, name := range []string{"Authorization", "Api-Key", "X-Api-Key"} {
		if header.Get(name) != "" {
			return strings.ToLower(name)
		}
	}
	return ""
}

// validHeader follows RFC 9110: a token as name, no control characters in the value.
func validHeader(name, value string) bool {
	if name == "" || textproto.TrimString(name) != name {
		return false
	}
	for _, c := range []byte(name) {
		alnum := c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !alnum && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	for _, c := range []byte(value) {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
