package ledger

import (
	"bytes"

	"proctor/event"
)

// unchecked is what VerifyOptions.Quick leaves out.
var unchecked = []string{"contents", "payloads", "indexes", "sessions", "holds and erasures"}

// rotates is in every entry that rotates the signing key, in the spelling of event.Encode. One in another spelling is passed over, and then the signatures do not fit.
var rotates = []byte(`"kind":"` + string(event.KeyRotated) + `"`)

// quick looks into an entry only for the key that signs what comes after it.
func (v *verifier) quick(index event.Seq, raw []byte) {
	if !bytes.Contains(raw, rotates) {
		return
	}
	if s, err := parseEntry(raw); err == nil {
		if h, e, _, err := decodePublic(s.public); err == nil {
			v.keys.note(v, index, h, e)
		}
	}
}
