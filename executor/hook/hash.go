package hook

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
)

// Hash is what trust is given to, "sha256:" and hexadecimal digits: of the hook with its event, its matcher and its defaults
// filled in, as canonical JSON. Where it is written down is not part of it.
//
// Source: measured, hooks/list of Codex CLI 0.169.0.
func (d Definition) Hash() string {
	handler := map[string]any{"type": "command", "command": d.Command, "timeout": int64(d.Timeout / time.Second), "async": d.Async}
	if d.status != nil {
		handler["statusMessage"] = *d.status
	}
	if d.Context != 0 {
		handler["additionalContextLimit"] = d.Context
	}
	identity := map[string]any{"event_name": events[d.Event].label, "hooks": []any{handler}}
	if d.matcher != nil {
		identity["matcher"] = *d.matcher
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(identity); err != nil { // unreachable: strings, numbers and bools always have a JSON form
		return ""
	}
	// encoding/json escapes two characters that others write as they are.
	text := strings.NewReplacer(`\\`, `\\`, `\u2028`, "\u2028", `\u2029`, "\u2029").Replace(strings.TrimSuffix(b.String(), "\n"))
	sum := sha256.Sum256([]byte(text))
	return "sha256:" + hex.EncodeToString(sum[:])
}
