package event

// Payloads of proctor about the phases of a run with an environment: setup, which has the network and secrets, and the
// agent's, which has neither.

// Phases.
const (
	PhaseSetup = "setup"
	PhaseAgent = "agent"
)

// PhaseStartedPayload is committed before anything of the phase runs.
type PhaseStartedPayload struct {
	Phase   string `json:"phase"`
	Network string `json:"network"`
	// Secrets are the names of the variables that the phase gets; their values are in no event.
	Secrets  []string `json:"secrets,omitempty"`
	Commands int      `json:"commands,omitempty"`
	Source   string   `json:"source,omitempty"` // file:line where the setup stands
	Digest   string   `json:"policy_digest"`
	// Plan is the JSON of the plan that confines the phase.
	Plan Sensitive `json:"plan,omitzero"`
}

// PhaseEndedPayload says how a phase ended. The agent's phase ends with the session and has none.
type PhaseEndedPayload struct {
	Phase    string `json:"phase"`
	Status   string `json:"status"` // completed, failed, interrupted, cached: not run, as nothing had changed
	Duration int64  `json:"duration_ms"`
	Reason   string `json:"reason,omitempty"`
	// Scanned counts the files looked through for secrets that were left behind; Whole is false when a bound was reached.
	Scanned int64 `json:"scanned_files,omitempty"`
	Whole   bool  `json:"scan_complete,omitempty"`
}

// SecretLeftBehindPayload is a secret that setup wrote to a file which the agent could read.
type SecretLeftBehindPayload struct {
	Secret string `json:"secret"` // its name
	Path   string `json:"path"`   // with secrets masked
	Place  string `json:"place"`  // content, name, link
	Action string `json:"action"` // fail: the run stops; warn
}

// Kind implements Payload, here and below.
func (*PhaseStartedPayload) Kind() Kind     { return PhaseStarted }
func (*PhaseEndedPayload) Kind() Kind       { return PhaseEnded }
func (*SecretLeftBehindPayload) Kind() Kind { return SecretLeftBehind }
