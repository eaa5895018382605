//go:build unix

package config

import (
	"testing"
	"time"
)

func TestParseAge(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": 0, "30m": 30 * time.Minute, "12h": 12 * time.Hour, "90d": 90 * 24 * time.Hour, "2w": 14 * 24 * time.Hour,
		"d": -1, "0d": -1, "-1d": -1, "1.5d": -1, "90": -1, "1y": -1, "1d ": -1, "9223372036854775807w": -1, "+1d": -1,
	} {
		got, err := ParseAge(text)
		if want < 0 && err == nil || want >= 0 && (err != nil || got != want) {
			t.Errorf("%q: %v %v, want %v", text, got, err, want)
		}
	}
}

func TestRetentionFile(t *testing.T) {
	file := caseHome + "/.local/state/proctor/proctor.toml"
	c, _ := mustLoad(t, options(map[string]string{file: "[ledger.retention]\nmax_age=\"90d\"\nmax_bytes=1000"}))
	if want := (ProctorRetention{90 * Day, 1000}); c.Proctor.Ledger.Retention != want {
		t.Errorf("%+v", c.Proctor.Ledger.Retention)
	}
	if _, _, err := Load(options(map[string]string{file: "[ledger.retention]\nmax_age=\"90 days\""})); err == nil {
		t.Error("a wrong age is accepted")
	}
}
