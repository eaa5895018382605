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

// OverrideGrantedPayload is a person's permission to do once what a review did not approve. It holds in its session, for the action with
// the digest, and is used up by the first call that needs it.
type OverrideGrantedPayload struct {
	OverrideID string    `json:"override_id"`
	ApprovalID string    `json:"approval_id"` // of the request that was not approved
	By         string    `json:"by"`          // user:NAME
	Digest     Hash      `json:"action_digest"`
	Expires    int64     `json:"expires_ms"` // Unix time
	Rationale  Sensitive `json:"rationale,omitzero"`
}

// OverrideUsedPayload is committed before the decision that an override allows.
type OverrideUsedPayload struct {
	OverrideID string `json:"override_id"`
	Digest     Hash   `json:"action_digest"`
}

// GrantRevokedPayload takes back what was granted for more than one call. It is committed before it takes effect.
type GrantRevokedPayload struct {
	// Grant is the approval that granted it, or the override.
	Grant     string    `json:"grant_id"`
	By        string    `json:"by"`
	Rule      string    `json:"rule,omitempty"` // the line that is removed from File
	File      string    `json:"file,omitempty"`
	Rationale Sensitive `json:"rationale,omitzero"`
}

// Kind implements Payload, here and below.
func (*OverrideGrantedPayload) Kind() Kind { return OverrideGranted }
func (*OverrideUsedPayload) Kind() Kind    { return OverrideUsed }
func (*GrantRevokedPayload) Kind() Kind    { return GrantRevoked }

// Kind implements Payload.
func (*ApprovalVotedPayload) Kind() Kind { return ApprovalVoted }
