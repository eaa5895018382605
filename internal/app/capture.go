package app

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"proctor/event"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/internal/redact"
)

// newCapture makes what masks secrets before they are recorded; nil with capture = "off".
func newCapture(env cli.Env, cfg *config.Config) (*redact.Capture, error) {
	if cfg.Proctor.Redact.Capture == "off" {
		return nil, nil
	}
	key, err := redactKey(cfg.ProctorHome)
	if err != nil {
		return nil, err
	}
	return redact.NewCapture(importedRules(cfg), key, knownSecrets(env, cfg)...)
}

// importedRules are those of the files of [redact] rules.
func importedRules(cfg *config.Config) []redact.Rule {
	rules := make([]redact.Rule, len(cfg.Proctor.Redact.Imported))
	for i, r := range cfg.Proctor.Redact.Imported {
		rules[i] = redact.Rule{
			ID: r.ID, Keywords: r.Keywords, Pattern: r.Regex, Around: true, Group: r.Group, Entropy: r.Entropy, Allow: r.Allow, Words: r.Words,
		}
	}
	return rules
}

// exportRules are those by which what leaves is masked.
func exportRules(env cli.Env, cfg *config.Config) (*redact.Rules, error) {
	rules, err := redact.NewRules(importedRules(cfg), knownSecrets(env, cfg)...)
	if err != nil {
		return nil, fmt.Errorf("[redact] rules: %w", err)
	}
	return rules, nil
}

// knownSecrets are the values that this process holds and uses as credentials.
func knownSecrets(env cli.Env, cfg *config.Config) (known []redact.Known) {
	add := func(name, value string) {
		if !telling(value) {
			return
		}
		if k, ok := redact.NewKnown(name, value); ok {
			known = append(known, k)
		}
	}
	p := cfg.ModelProvider
	add("provider-token", p.BearerToken.Reveal())
	for _, name := range []string{p.EnvKey, "OPENAI_API_KEY", "CODEX_API_KEY"} {
		if name != "" {
			add(name, env.Getenv(name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.EnvHTTPHeaders)) {
		add(name, env.Getenv(p.EnvHTTPHeaders[name]))
	}
	headers := []map[string]config.Secret{p.HTTPHeaders, cfg.Otel.Exporter.Headers, cfg.Otel.TraceExporter.Headers, cfg.Otel.MetricsExporter.Headers}
	for _, set := range headers {
		for _, name := range slices.Sorted(maps.Keys(set)) {
			value := set[name].Reveal()
			if _, rest, ok := strings.Cut(value, " "); ok && !strings.Contains(rest, " ") { // Bearer …
				value = rest
			}
			add(name, value)
		}
	}
	for _, s := range cfg.Proctor.SIEM {
		add("siem-"+s.Name, s.Token.Reveal())
	}
	return slices.CompactFunc(known, redact.Known.Same)
}

// telling reports whether a configured value looks like a credential: what is masked by value must not be a word.
func telling(value string) bool {
	return len(value) >= 8 && strings.ContainsAny(value, "0123456789") && !strings.ContainsAny(value, " \t") || len(value) >= 20 && !strings.Contains(value, " ")
}

// know adds the secrets of the setup to what is masked by value.
func (s *Store) know(env cli.Env, cfg *config.Config, e *environment) error {
	if s.capture == nil || e == nil {
		return nil
	}
	known := knownSecrets(env, cfg)
	for _, secret := range e.secrets {
		if k, ok := redact.NewKnown(secret.Name, secret.Reveal()); ok {
			known = append(known, k)
		}
	}
	return s.capture.Know(known...)
}

// redaction is the version of the rules in force, for proctor.policy_loaded.
func (s *Store) redaction() string {
	if s.capture == nil {
		return "off"
	}
	return s.capture.Rules().Version()
}

// asCapture avoids an interface around a nil pointer.
func (s *share) asCapture() event.Capture {
	if s.capture == nil {
		return nil
	}
	return s.capture
}
