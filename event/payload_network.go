package event

// NetworkClosedPayload is the end of a connection that a codex.network_proxy.policy_decision let out: that event is there
// before the first byte, so what came of it has one of its own.
type NetworkClosedPayload struct {
	Decision  ID     `json:"decision"`
	Host      string `json:"host"`
	Port      int    `json:"port"`
	Protocol  string `json:"protocol"`
	Execution string `json:"execution_id,omitempty"`
	Dialled   string `json:"dialled,omitempty"` // the address that answered; empty when none did
	Sent      int64  `json:"bytes_sent"`
	Received  int64  `json:"bytes_received"`
	Duration  int64  `json:"duration_ms"`
	Failure   string `json:"failure,omitempty"` // empty when one side closed it in order
}

// Kind implements Payload.
func (*NetworkClosedPayload) Kind() Kind { return NetworkClosed }
