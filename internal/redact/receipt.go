package redact

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"proctor/event"
)

// Rules of receipts that are not masking rules.
const (
	ruleKept   = "kept"   // the class of the field never leaves
	ruleCut    = "cut"    // the text was longer than its bound
	ruleErased = "erased" // the content is no longer in the ledger
)

// Receipt is what is left of a removal. See [event.Removal].
type Receipt = event.Removal

func fingerprint(key Key, text string) string {
	if len(key) == 0 {
		return ""
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}
