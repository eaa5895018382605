package redact

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Rules of receipts that are not masking rules.
const (
	ruleKept   = "kept"   // the class of the field never leaves
	ruleCut    = "cut"    // the text was longer than its bound
	ruleErased = "erased" // the content is no longer in the ledger
)

// Receipt is what is left of a removal.
type Receipt struct {
	Field string `json:"field"`
	Rule  string `json:"rule"`
	Bytes int    `json:"bytes"` // removed
	// Fingerprint is the first 8 bytes, in hex, of HMAC-SHA256 over the removed text. Empty
	// without a key, for cuts, and for fields that never leave.
	Fingerprint string `json:"fingerprint,omitempty"`
}

// String is the form in telemetry: field/rule/bytes[/fingerprint].
func (r Receipt) String() string {
	if r.Fingerprint == "" {
		return fmt.Sprintf("%s/%s/%d", r.Field, r.Rule, r.Bytes)
	}
	return fmt.Sprintf("%s/%s/%d/%s", r.Field, r.Rule, r.Bytes, r.Fingerprint)
}

func fingerprint(key Key, text string) string {
	if len(key) == 0 {
		return ""
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}
