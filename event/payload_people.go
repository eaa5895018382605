package event

// Payloads about what people decide.

// ApprovalVotedPayload is what one person answered to a request. It is committed before it counts.
type ApprovalVotedPayload struct {
	ApprovalID string `json:"approval_id"`
	ReviewID   string `json:"review_id,omitempty"`
	Voter      string `json:"voter"`           // user:NAME; the name is what the person was called by, not proven
	Via        string `json:"via"`             // terminal of the run, or command
	Vote       string `json:"vote"`            // approved, denied
	Scope      string `json:"scope,omitempty"` // of an approval: once, session, amendment
	Digest     Hash   `json:"action_digest"`   // of the action that was shown
	// Approvals of Needed are there with this one; a single refusal decides.
	Approvals int       `json:"approvals"`
	Needed    int       `json:"needed"`
	Rationale Sensitive `json:"rationale,omitzero"`
}

// Kind implements Payload.
func (*ApprovalVotedPayload) Kind() Kind { return ApprovalVoted }
