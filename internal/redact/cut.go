package redact

import (
	"strings"
	"unicode/utf8"
)

const (
	// maxScan bounds the masker's input in bytes.
	maxScan = 1 << 20
	// maxText bounds every text that leaves, in bytes; the CLI bounds responses and rationales alike.
	maxText = 65_536
	// DefaultMaxOutput is tool_result.max_bytes of the CLI.
	DefaultMaxOutput = 2048

	truncated = "[... telemetry preview truncated ...]"
)

// head returns at most n bytes of s, ending between characters.
func head(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// preview returns the first n bytes of s, marked as cut on a line of its own, as the CLI does.
func preview(s string, n int) string {
	h := head(s, n)
	if h != "" && !strings.HasSuffix(h, "\n") {
		h += "\n"
	}
	return h + truncated
}

// scanned returns the part of s that the masker looks at. What lies beyond is dropped,
// and so is the word at the edge, which may be half a secret.
func scanned(s string) string {
	if len(s) <= maxScan {
		return s
	}
	h := head(s, maxScan)
	return h[:strings.LastIndexAny(h, " \t\r\n")+1]
}
