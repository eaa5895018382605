package event

// MessageRefusedPayload stands in the place of a message that a cluster took and a ledger cannot: whoever sent it broke the rules of
// the record, or was not proctor. The message stays in its stream for as long as that keeps it.
type MessageRefusedPayload struct {
	Stream    string `json:"stream"`
	Message   uint64 `json:"message"`              // its number in the stream
	MessageID string `json:"message_id,omitempty"` // cut to 64 bytes
	Bytes     int64  `json:"bytes"`
	Digest    Hash   `json:"sha256"` // of the message
	Reason    string `json:"reason"`
}

// Kind implements Payload.
func (*MessageRefusedPayload) Kind() Kind { return MessageRefused }
