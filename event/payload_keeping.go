package event

// Payloads about what is kept, and for how long. The ledger acts on them as it records them, so each is recorded alone. Their texts
// are in clear and stay for ever.

// ErasurePayload erases the content of a session, and says why.
type ErasurePayload struct {
	Erased  string `json:"erased_session"`
	Entries uint64 `json:"entries"` // of the session, when it was asked for
	Reason  string `json:"reason"`
	By      string `json:"by,omitempty"`
}

// HoldPlacedPayload makes erasure and retention leave a session alone.
type HoldPlacedPayload struct {
	Held   string `json:"held_session"`
	Reason string `json:"reason"`
	By     string `json:"by,omitempty"`
}

// HoldReleasedPayload ends a hold.
type HoldReleasedPayload struct {
	Held   string `json:"held_session"`
	Reason string `json:"reason,omitempty"`
	By     string `json:"by,omitempty"`
}

// KeyRotatedPayload names the key that signs checkpoints from now on. The first checkpoint with this event in its tree is
// signed by both keys; those after it by the new one alone.
type KeyRotatedPayload struct {
	Old    string `json:"old_key"` // note verifier keys of one name
	New    string `json:"new_key"`
	Reason string `json:"reason,omitempty"`
	By     string `json:"by,omitempty"`
}

// Kind implements Payload, here and below.
func (*ErasurePayload) Kind() Kind      { return Erasure }
func (*HoldPlacedPayload) Kind() Kind   { return HoldPlaced }
func (*HoldReleasedPayload) Kind() Kind { return HoldReleased }
func (*KeyRotatedPayload) Kind() Kind   { return KeyRotated }
