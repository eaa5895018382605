//go:build linux

package redact

import (
	"os"
	"syscall"
	"testing"
	"time"
)

// TestCorpus prints MB/s over the file named by CORPUS, which it makes when it is not there: 100 MB of mixed tool output, in pieces
// of 64 KiB. internal/bench/peers/redact.sh runs it beside gitleaks.
func TestCorpus(t *testing.T) {
	name := os.Getenv("CORPUS")
	if name == "" {
		t.Skip("CORPUS names no file: internal/bench/peers/redact.sh does")
	}
	if _, err := os.Stat(name); err != nil {
		if err := os.WriteFile(name, []byte(mixed(t, 100_000_000)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	rules, text, found := Standard(), string(data), 0
	pieces := func(f func(string)) (wall, processor float64) {
		began, worked := time.Now(), used(t)
		for at := 0; at < len(text); at += 64 << 10 {
			f(text[at:min(at+64<<10, len(text))])
		}
		size := float64(len(text)) / 1e6
		return size / time.Since(began).Seconds(), size / (used(t) - worked).Seconds()
	}
	mask, maskCPU := pieces(func(s string) {
		_, receipts := rules.Mask("f", s, false, nil)
		found += len(receipts)
	})
	prefilter, prefilterCPU := pieces(func(s string) { rules.words.run(0, s, 0, func([]keyword, int) {}) })
	to := make([]byte, 64<<10)
	copied, _ := pieces(func(s string) { copy(to, s) })
	t.Logf("mask %.1f MB/s (%.1f by processor time), %d removals; prefilter %.1f MB/s (%.1f); copy %.0f MB/s", mask, maskCPU, found, prefilter, prefilterCPU, copied)
}

// used is the processor time of this process so far.
func used(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
