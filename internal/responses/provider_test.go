package responses

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestProviderDefaultsAndCaps(t *testing.T) {
	t.Parallel()
	var p Provider
	if p.RequestRetries() != 4 || p.StreamRetries() != 5 || p.IdleTimeout() != 5*time.Minute {
		t.Errorf("defaults %d %d %s", p.RequestRetries(), p.StreamRetries(), p.IdleTimeout())
	}
	p = Provider{RequestMaxRetries: new(uint64(0)), StreamMaxRetries: new(uint64(1 << 63)), StreamIdleTimeoutMS: new(uint64(1 << 63))}
	if p.RequestRetries() != 0 || p.StreamRetries() != 100 || p.IdleTimeout() != 24*time.Hour {
		t.Errorf("caps %d %d %s", p.RequestRetries(), p.StreamRetries(), p.IdleTimeout())
	}
}

func TestProviderValidateNamesKeyAndRemedy(t *testing.T) {
	t.Parallel()
	good := Provider{ID: "p", BaseURL: "https://h/v1", WireAPI: "responses", SupportsWebsockets: true}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		edit func(*Provider)
		want string
	}{
		{"chat api", func(p *Provider) { p.WireAPI = "chat" }, `model provider "p": wire_api: "chat" is not supported; only "responses" is`},
		{"no url", func(p *Provider) { p.BaseURL = "" }, "base_url: missing"},
		{"scheme", func(p *Provider) { p.BaseURL = "ftp://h" }, `scheme "ftp" is not http or https`},
		{"no scheme", func(p *Provider) { p.BaseURL = "localhost:8080/v1" }, "is not http or https"},
		{"no host", func(p *Provider) { p.BaseURL = "http:///v1" }, "has no host"},
		{"password in url", func(p *Provider) { p.BaseURL = "https://u:topsecret@h" }, "must not carry a user or password"},
		{"not a url", func(p *Provider) { p.BaseURL = "http://h:x/topsecret" }, "not a URL"},
		{"env key", func(p *Provider) { p.EnvKey = "A=topsecret" }, "is not the name of an environment variable"},
		{"header", func(p *Provider) { p.HTTPHeaders = map[string]string{"x y": "1"} }, "http_headers"},
		{"header value", func(p *Provider) { p.HTTPHeaders = map[string]string{"x": "topsecret\r\nh: v"} }, "http_headers"},
		{"env header", func(p *Provider) { p.EnvHTTPHeaders = map[string]string{"": "V"} }, "env_http_headers"},
		{"idle", func(p *Provider) { p.StreamIdleTimeoutMS = new(uint64(0)) }, "stream_idle_timeout_ms: must be greater than 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := good
			tt.edit(&p)
			err := p.Validate()
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if err != nil && tt.name != "env key" && strings.Contains(err.Error(), "topsecret") {
				t.Errorf("secret shown: %v", err)
			}
		})
	}
	bad := Provider{ID: "p", WireAPI: "chat"}
	if err := bad.Validate(); !strings.Contains(err.Error(), "wire_api") || !strings.Contains(err.Error(), "base_url") {
		t.Errorf("not all problems at once: %v", err)
	}
}

func TestKeyIsFoundOrItsAbsenceExplained(t *testing.T) {
	t.Parallel()
	getenv := func(vars map[string]string) func(string) string {
		return func(name string) string { return vars[name] }
	}
	openai, _ := BuiltIn("openai")
	tests := []struct {
		name   string
		p      Provider
		env    map[string]string
		source string
		err    string
	}{
		{"env_key", Provider{EnvKey: "K", BearerToken: NewAPIKey("b")}, map[string]string{"K": " secret \n"}, "environment variable K", ""},
		{"env_key unset", Provider{ID: "p", EnvKey: "K"}, nil, "", `model provider "p": environment variable K is not set; export it and try again`},
		{"instructions", Provider{ID: "p", EnvKey: "K", EnvKeyInstructions: "ask Bob"}, nil, "", "K is not set; ask Bob"},
		{"broken key", Provider{EnvKey: "K"}, map[string]string{"K": "a\nb"}, "", "check it for line breaks"},
		{"token in file", Provider{BearerToken: NewAPIKey("b")}, nil, "experimental_bearer_token in the configuration", ""},
		{"openai", openai, map[string]string{"OPENAI_API_KEY": "a", "CODEX_API_KEY": "b"}, "environment variable CODEX_API_KEY", ""},
		{"openai without", openai, nil, "", "OPENAI_API_KEY or CODEX_API_KEY is not set"},
		{"none needed", Provider{}, nil, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			creds, err := tt.p.resolve(getenv(tt.env))
			if tt.err != "" {
				if _, ok := errors.AsType[*MissingKeyError](err); !ok || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil || creds.source != tt.source {
				t.Errorf("source %q, error %v", creds.source, err)
			}
			if tt.name == "env_key" && creds.key.Reveal() != "secret" {
				t.Errorf("key is not trimmed")
			}
		})
	}
}

func TestAPIKeyCannotPrintItself(t *testing.T) {
	t.Parallel()
	const secret = "hunter2-hunter2"
	p := Provider{BearerToken: NewAPIKey(secret)}
	creds := credentials{key: NewAPIKey(secret)}
	var out strings.Builder
	for _, v := range []any{p, &p, p.BearerToken, creds, &creds, []APIKey{creds.key}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb, v)
		}
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(data)
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
	}
	if hex := fmt.Sprintf("%x", secret); strings.Contains(out.String(), "hunter2") || strings.Contains(out.String(), hex) {
		t.Errorf("secret printed: %s", out.String())
	}
	if text := fmt.Sprintf("%d %#v %x", creds.key, creds.key, creds.key); text != "[secret] [secret] [secret]" {
		t.Errorf("printed %s", text)
	}
	var back APIKey
	if err := back.UnmarshalText([]byte(secret)); err != nil || back.Reveal() != secret {
		t.Errorf("%v, %v", back.Reveal() == secret, err)
	}
}

func TestAuthEnvTellsPresenceOnly(t *testing.T) {
	t.Parallel()
	p := Provider{EnvKey: "MY_KEY"}
	facts := p.AuthEnv(func(name string) string { return map[string]string{"MY_KEY": "x", "OPENAI_API_KEY": "y"}[name] })
	want := AuthEnv{OpenAIKeyPresent: true, CodexKeyEnabled: true, ProviderKeyName: "configured", ProviderKeyPresent: true}
	if facts != want {
		t.Errorf("%+v, want %+v", facts, want)
	}
}

func FuzzBaseURL(f *testing.F) {
	for _, seed := range []string{"https://api.openai.com/v1", "http://[::1]:1/v1?x=1#f", "http://h:x", "//h", "http://h", "http://%zz"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, base string) {
		p := Provider{BaseURL: base}
		u, err := p.endpoint()
		if err != nil {
			return
		}
		if !strings.HasSuffix(u.Path, "/responses") || u.Host == "" || u.User != nil {
			t.Errorf("endpoint %q of %q", u, base)
		}
	})
}
