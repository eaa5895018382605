package app

import (
	"fmt"
	"os"

	"proctor/exporters"
	"proctor/exporters/siem"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/internal/redact"
)

// siemDestinations are those of [[siem]] in proctor.toml.
func siemDestinations(env cli.Env, cfg *config.Config) ([]exporters.Destination, error) {
	var out []exporters.Destination
	if len(cfg.Proctor.SIEM) == 0 {
		return nil, nil
	}
	rules, err := exportRules(env, cfg)
	if err != nil {
		return nil, err
	}
	key, err := redactKey(cfg.ProctorHome)
	if err != nil {
		return nil, err
	}
	host, _ := os.Hostname()
	for _, s := range cfg.Proctor.SIEM {
		d, err := siem.New(siem.Options{
			Name: s.Name, Format: s.Format, Target: s.Target, MaxBytes: s.MaxBytes, Files: s.Files, Token: s.Token.Reveal(), Index: s.Index,
			SourceType: s.SourceType, Host: host, CACertificate: s.CACertificate, ClientCertificate: s.ClientCertificate, ClientPrivateKey: s.ClientPrivateKey,
			Policy: redact.New(redact.Options{
				Level: redact.Level(s.Level), LogUserPrompt: cfg.Otel.LogUserPrompt, LogAgentResponses: cfg.Otel.LogAgentResponses,
				LogGuardianAssessments: cfg.Otel.LogGuardianAssessment, MaxOutput: int(cfg.Otel.ToolResult.MaxBytes), Rules: rules, Key: key,
			}),
		})
		if err != nil {
			for _, open := range out {
				_ = open.Close()
			}
			return nil, fmt.Errorf("[[siem]]: %w", err)
		}
		out = append(out, d)
	}
	return out, nil
}

// otlpLevel is the level of [otel]: strict is redacted, without contents of tools.
func otlpLevel(word string) redact.Level {
	switch word {
	case "full", "off":
		return redact.Full
	case "metadata":
		return redact.MetadataOnly
	default:
		return redact.Redacted
	}
}
