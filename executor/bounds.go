package executor

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"unicode/utf8"

	"proctor/event"
)

// Bounds of what a model or a server may put into one event. What is larger is
// cut and marked, or the call is refused; it never reaches the ledger as an
// event that cannot be recorded, because that would end the run.
const (
	// maxError and maxLabel bound texts that stay in the clear, in bytes.
	maxError = 2048
	maxLabel = 256
	// maxDelta bounds the text kept of one delta event, in bytes.
	maxDelta = 64 << 10
	// maxItem bounds one item of the conversation, in bytes of JSON.
	maxItem = event.MaxContent - 64<<10
)

// label is an id as events carry it: as it is, or its digest when it is longer than a label may be.
func label(id string) string {
	if len(id) < maxLabel-8 { // room for the number of its use
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// boundedNames keeps the names that fit into an event's public part; the last one tells how many do not.
func boundedNames(names []string) []string {
	const limit = 16 << 10
	size := 0
	for i, name := range names {
		if size += len(name) + 3; size > limit {
			return append(names[:i:i], fmt.Sprintf("…%d more", len(names)-i))
		}
	}
	return names
}

// clip cuts s to at most n bytes at a character boundary and marks the cut.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	mark := fmt.Sprintf("…[%d bytes cut]", len(s)-n)
	cut := max(n-len(mark), 0)
	for range utf8.UTFMax - 1 {
		if cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
	}
	return s[:cut] + mark
}
