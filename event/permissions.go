package event

// Permissions are rights that a command may get on top of the session's plan: network access, and canonical absolute
// paths that it may read, or read and write. The lists are sorted and without duplicates.
type Permissions struct {
	Network bool     `json:"network,omitempty"`
	Read    []string `json:"read,omitempty"`
	Write   []string `json:"write,omitempty"`
}

// IsZero reports whether p gives nothing.
func (p Permissions) IsZero() bool { return !p.Network && len(p.Read) == 0 && len(p.Write) == 0 }

// Amendment is a lasting rule that an approval may carry: a command prefix to allow, or a host.
type Amendment struct {
	Prefix []string `json:"prefix,omitempty"`
	// File is where the rule goes; it is told to people and decides nothing.
	File string `json:"file,omitempty"`
	// Host and Protocol belong to network amendments: a destination to allow.
	Host     string `json:"host,omitempty"`
	Protocol string `json:"protocol,omitempty"`
}

// The scopes of an approval: this call, the same action for the rest of the session, or a rule for later sessions too.
// A permission request that is approved once holds for its turn.
const (
	ScopeOnce      = "once"
	ScopeSession   = "session"
	ScopeAmendment = "amendment"
)

// PolicyAmendedPayload tells of a rule that an approval adds. It is committed as announced before anything changes, and
// followed by one that is in_force or failed.
type PolicyAmendedPayload struct {
	ApprovalID string `json:"approval_id"`
	Status     string `json:"status"`
	Rule       string `json:"rule"`          // the line, at most 2048 bytes of it
	Policy     string `json:"policy_digest"` // of what decides at that moment, see PolicyLoadedPayload
	Error      string `json:"error,omitempty"`
}

// The states of an amendment.
const (
	AmendmentAnnounced = "announced"
	AmendmentInForce   = "in_force"
	AmendmentFailed    = "failed"
)

// Kind implements Payload.
func (*PolicyAmendedPayload) Kind() Kind { return PolicyAmended }

// GrantAnswer is what a model reads about a request for permissions, in the form of Codex: what was granted (nil for
// nothing), for the turn or the session, and why not.
func GrantAnswer(p *Permissions, scope, reason string) string {
	type network struct {
		Enabled bool `json:"enabled"`
	}
	type files struct {
		Read  []string `json:"read"`
		Write []string `json:"write"`
	}
	var answer struct {
		Permissions struct {
			Network *network `json:"network"`
			Files   *files   `json:"file_system"`
		} `json:"permissions"`
		Scope  string `json:"scope"`
		Reason string `json:"reason,omitempty"`
	}
	answer.Scope, answer.Reason = scope, reason
	if p != nil && p.Network {
		answer.Permissions.Network = &network{true}
	}
	if p != nil && len(p.Read)+len(p.Write) > 0 {
		answer.Permissions.Files = &files{append([]string{}, p.Read...), append([]string{}, p.Write...)}
	}
	b, err := marshal(answer)
	if err != nil { // unreachable: strings and bools always have a JSON form
		return "{}"
	}
	return string(b)
}
