package responses

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Defaults and caps of the [model_providers.*] keys, as in the Codex CLI.
const (
	DefaultRequestMaxRetries = 4
	DefaultStreamMaxRetries  = 5
	DefaultStreamIdleTimeout = 300 * time.Second
	maxRetries               = 100
	// maxIdleTimeout keeps a huge number of milliseconds from overflowing.
	maxIdleTimeout = 24 * time.Hour
	// WireAPI is the only value of wire_api that is understood.
	WireAPI = "responses"
)

// Provider is one [model_providers.ID] table of config.toml. The zero value of
// every optional key means its default; a pointer tells 0 from absent.
type Provider struct {
	// ID is the key of the table; it is not written inside it.
	ID                 string `toml:"-"`
	Name               string `toml:"name"`
	BaseURL            string `toml:"base_url"`
	EnvKey             string `toml:"env_key"`
	EnvKeyInstructions string `toml:"env_key_instructions"`
	// BearerToken is sent when EnvKey is unset (discouraged in files).
	BearerToken APIKey `toml:"experimental_bearer_token"`
	// WireAPI may be empty or "responses".
	WireAPI     string            `toml:"wire_api"`
	QueryParams map[string]string `toml:"query_params"`
	HTTPHeaders map[string]string `toml:"http_headers"`
	// EnvHTTPHeaders maps a header to the variable that holds its value; an
	// unset or empty variable sends no header.
	EnvHTTPHeaders      map[string]string `toml:"env_http_headers"`
	RequestMaxRetries   *uint64           `toml:"request_max_retries"`
	StreamMaxRetries    *uint64           `toml:"stream_max_retries"`
	StreamIdleTimeoutMS *uint64           `toml:"stream_idle_timeout_ms"`
	// RequiresOpenAIAuth takes the key from CODEX_API_KEY or OPENAI_API_KEY.
	RequiresOpenAIAuth bool `toml:"requires_openai_auth"`
	// SupportsWebsockets and WebsocketConnectTimeoutMS are accepted and ignored.
	SupportsWebsockets        bool    `toml:"supports_websockets"`
	WebsocketConnectTimeoutMS *uint64 `toml:"websocket_connect_timeout_ms"`
}

// BuiltIn returns a provider that needs no table: "openai", "ollama" or
// "lmstudio". The latter two are local servers at their usual ports.
func BuiltIn(id string) (Provider, bool) {
	switch id {
	case "openai":
		return Provider{ID: id, Name: "OpenAI", BaseURL: "https://api.openai.com/v1", RequiresOpenAIAuth: true}, true
	case "ollama":
		return Provider{ID: id, Name: "Ollama", BaseURL: "http://localhost:11434/v1"}, true
	case "lmstudio":
		return Provider{ID: id, Name: "LM Studio", BaseURL: "http://localhost:1234/v1"}, true
	}
	return Provider{}, false
}

// Label is the provider's name for people: its name, else its id.
func (p Provider) Label() string {
	if p.Name != "" {
		return p.Name
	}
	return p.ID
}

// RequestRetries is request_max_retries with default and cap applied.
func (p Provider) RequestRetries() int { return retries(p.RequestMaxRetries, DefaultRequestMaxRetries) }

// StreamRetries is stream_max_retries with default and cap applied.
func (p Provider) StreamRetries() int { return retries(p.StreamMaxRetries, DefaultStreamMaxRetries) }

// IdleTimeout is stream_idle_timeout_ms with default and cap applied.
func (p Provider) IdleTimeout() time.Duration {
	if p.StreamIdleTimeoutMS == nil {
		return DefaultStreamIdleTimeout
	}
	ms := min(*p.StreamIdleTimeoutMS, uint64(maxIdleTimeout/time.Millisecond))
	return time.Duration(ms) * time.Millisecond
}

func retries(n *uint64, byDefault int) int {
	if n == nil {
		return byDefault
	}
	return int(min(*n, maxRetries))
}

// Validate reports every problem of the table at once.
func (p Provider) Validate() error {
	var problems []error
	bad := func(key, format string, args ...any) {
		problems = append(problems, fmt.Errorf("model provider %q: %s: %s", p.Label(), key, fmt.Sprintf(format, args...)))
	}
	if p.WireAPI != "" && p.WireAPI != WireAPI {
		bad("wire_api", "%q is not supported; only %q is, so point base_url at a server that offers POST /responses", p.WireAPI, WireAPI)
	}
	if _, err := p.endpoint(); err != nil {
		bad("base_url", "%v", err)
	}
	if p.StreamIdleTimeoutMS != nil && *p.StreamIdleTimeoutMS == 0 {
		bad("stream_idle_timeout_ms", "must be greater than 0; leave it out for %d", DefaultStreamIdleTimeout.Milliseconds())
	}
	if strings.ContainsAny(p.EnvKey, "= \x00") {
		bad("env_key", "%q is not the name of an environment variable", p.EnvKey)
	}
	for name, value := range p.HTTPHeaders {
		if !validHeader(name, value) {
			bad("http_headers", "%q has a name or value that HTTP does not allow", name)
		}
	}
	for name := range p.EnvHTTPHeaders {
		if !validHeader(name, "") {
			bad("env_http_headers", "%q is not a header name", name)
		}
	}
	return errors.Join(problems...)
}

// endpoint is the URL requests go to: base_url, /responses, query_params.
func (p Provider) endpoint() (*url.URL, error) {
	if p.BaseURL == "" {
		return nil, errors.New("missing; give the address that /responses is appended to, such as https://host/v1")
	}
	u, err := url.Parse(p.BaseURL)
	if err != nil {
		return nil, errors.New("not a URL; give one such as https://host/v1")
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("scheme %q is not http or https", u.Scheme)
	}
	if u.Hostname() == "" {
		return nil, errors.New("has no host; give one such as https://host/v1")
	}
	if u.User != nil {
		return nil, errors.New("must not carry a user or password; use env_key or env_http_headers")
	}
	if u.Path == "" {
		u.Path = "/" // JoinPath keeps an empty path relative
	}
	u = u.JoinPath("responses")
	if len(p.QueryParams) > 0 {
		query := u.Query()
		for name, value := range p.QueryParams {
			query.Set(name, value)
		}
		u.RawQuery = query.Encode()
	}
	return u, nil
}
