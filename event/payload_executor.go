package event

// FileReadPayload is one look at a file by an agent program that has no files of its own: without what was read.
type FileReadPayload struct {
	// Operation is what was done, in the words of the program: "fs/readFile", "fs/getMetadata".
	Operation string `json:"operation"`
	Path      string `json:"path"`
	// Outcome is read, or missing, or failed.
	Outcome string `json:"outcome"`
	Bytes   int64  `json:"bytes,omitempty"`
	Content string `json:"content_sha256,omitempty"` // hex, of a file that was read whole
	// Policy and Rule are what allowed it: the digest of the policy, the reason of the plan.
	Policy string `json:"policy"`
	Rule   string `json:"rule"`
}

// ExecutorAttachedPayload is recorded in every session that an executor for others serves.
type ExecutorAttachedPayload struct {
	Connection string `json:"connection"`
	Transport  string `json:"transport"` // stdio, websocket
	Client     string `json:"client"`    // as it names itself
	// Version is that of the client where it tells it, ProtocolVersion the one that this executor was made for.
	Version         string `json:"client_version,omitempty"`
	ProtocolVersion string `json:"protocol_version"`
	// Session says how the session is known: named by the client in its requests, found at its process, or only made for the connection.
	Session string `json:"session_known_by"`
	// Workspace is where the client says that it works.
	Workspace string `json:"workspace"`
}

// Kind implements Payload, here and below.
func (*FileReadPayload) Kind() Kind         { return FileRead }
func (*ExecutorAttachedPayload) Kind() Kind { return ExecutorAttached }
