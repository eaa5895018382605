package event

//go:generate go run ./internal/gen ../doc

import "reflect"

// Severity is the OpenTelemetry severity number an event is exported with.
type Severity int

// The severities in use.
const (
	Info  Severity = 9
	Warn  Severity = 13
	Error Severity = 17
)

// CatalogEntry is everything fixed about a kind.
type CatalogEntry struct {
	Kind     Kind
	Schema   int
	Severity Severity
	Payload  Payload // zero value, for its type
	// Metric is the counter that the event feeds; its histogram twin is Metric + ".duration_ms". Empty for none.
	Metric string
	// Meaning is one line for people.
	Meaning string
}

// New makes an empty payload of the entry's kind.
func (c CatalogEntry) New() Payload {
	return reflect.New(reflect.TypeOf(c.Payload).Elem()).Interface().(Payload)
}

// Catalog lists every kind, those of Codex first, each family in the order of a run.
func Catalog() []CatalogEntry { return catalog[:] }

// Lookup finds a kind.
func Lookup(k Kind) (CatalogEntry, bool) {
	i, ok := byKind[k]
	if !ok {
		return CatalogEntry{}, false
	}
	return catalog[i], true
}

var byKind = func() map[Kind]int {
	m := make(map[Kind]int, len(catalog))
	for i, c := range catalog {
		m[c.Kind] = i
	}
	return m
}()

var catalog = [...]CatalogEntry{
	{ConversationStarts, 1, Info, (*ConversationStartsPayload)(nil), "", "a session begins: model, provider, policies in force"},
	{StartupPhase, 1, Info, (*StartupPhasePayload)(nil), "codex.startup.phase", "one phase of starting up, with its duration"},
	{UserPrompt, 1, Info, (*UserPromptPayload)(nil), "", "a person or a pipeline asked for something"},
	{APIRequest, 1, Info, (*APIRequestPayload)(nil), "codex.api_request", "one attempt to reach the model, up to the response head"},
	{SSEEvent, 1, Info, (*SSEEventPayload)(nil), "codex.sse_event", "one event of the model's stream, or its failure"},
	{WebsocketConnect, 1, Info, (*WebsocketConnectPayload)(nil), "codex.websocket.connect", "a WebSocket to the model was opened, or not"},
	{WebsocketRequest, 1, Info, (*WebsocketRequestPayload)(nil), "codex.websocket.request", "one request over a WebSocket"},
	{WebsocketEvent, 1, Info, (*WebsocketEventPayload)(nil), "codex.websocket.event", "one message of the model over a WebSocket"},
	{TurnTTFT, 1, Info, (*TurnTTFTPayload)(nil), "", "time to the first output of a turn"},
	{ToolDecision, 1, Info, (*ToolDecisionPayload)(nil), "", "whether a tool call may run, by whose authority, from which facts"},
	{ToolResult, 1, Info, (*ToolResultPayload)(nil), "codex.tool.call", "how a tool call ended"},
	{SandboxOutcome, 1, Warn, (*SandboxOutcomePayload)(nil), "", "a command was refused something by its confinement"},
	{AgentResponse, 1, Info, (*AgentResponsePayload)(nil), "", "a message of the model to the user"},
	{GuardianAssessment, 1, Info, (*GuardianAssessmentPayload)(nil), "codex.guardian.review", "what the automatic reviewer found"},
	{AuthRecovery, 1, Info, (*AuthRecoveryPayload)(nil), "", "a step to recover from a refused credential"},
	{NetworkPolicyDecision, 1, Info, (*NetworkPolicyDecisionPayload)(nil), "", "whether a connection may leave the sandbox"},

	{ConfigResolved, 1, Info, (*ConfigResolvedPayload)(nil), "", "the settings in force and where each came from"},
	{PolicyLoaded, 1, Info, (*PolicyLoadedPayload)(nil), "", "the digest of everything that decides, and the warnings about it"},
	{SessionResumed, 1, Info, (*SessionResumedPayload)(nil), "", "a session goes on in another process"},
	{PhaseStarted, 1, Info, (*PhaseStartedPayload)(nil), "", "a phase begins: setup with network and secrets, or the agent's without"},
	{PhaseEnded, 1, Info, (*PhaseEndedPayload)(nil), "", "how the setup phase ended"},
	{SecretLeftBehind, 1, Error, (*SecretLeftBehindPayload)(nil), "", "setup left a secret in a file that the agent could read"},
	{TurnStarted, 1, Info, (*TurnStartedPayload)(nil), "", "a turn begins: one prompt and all that follows from it"},
	{HistoryItem, 1, Info, (*HistoryItemPayload)(nil), "", "one item of the conversation, as it is sent to the model"},
	{StreamRetry, 1, Warn, (*StreamRetryPayload)(nil), "", "the model did not answer and is asked again"},
	{HookRun, 1, Info, (*HookRunPayload)(nil), "codex.hooks.run", "a hook of the configuration was run, or left out, and what it said"},
	{ApprovalRequested, 1, Info, (*ApprovalRequestedPayload)(nil), "proctor.approval.requested", "an action waits for a reviewer"},
	{ReviewStarted, 1, Info, (*ReviewStartedPayload)(nil), "", "a reviewer took an action up"},
	{ApprovalVoted, 1, Info, (*ApprovalVotedPayload)(nil), "", "one person's answer to an approval request, before it counts"},
	{ApprovalDecided, 1, Info, (*ApprovalDecidedPayload)(nil), "proctor.approval.decided", "the one final answer to an approval request"},
	{OverrideGranted, 1, Warn, (*OverrideGrantedPayload)(nil), "", "a person permits once, for a while, what a review did not approve"},
	{OverrideUsed, 1, Warn, (*OverrideUsedPayload)(nil), "", "a call uses an override up"},
	{GrantRevoked, 1, Info, (*GrantRevokedPayload)(nil), "", "a standing approval, an override or an added rule is taken back"},
	{PolicyAmended, 1, Warn, (*PolicyAmendedPayload)(nil), "", "an approval adds a rule: announced before, in force or failed after"},
	{ExecStarted, 1, Info, (*ExecStartedPayload)(nil), "", "an allowed action is about to run, confined as told"},
	{ExecInput, 1, Info, (*ExecInputPayload)(nil), "", "text is about to be typed into a running process"},
	{ExecOutput, 1, Info, (*ExecOutputPayload)(nil), "", "a piece of output of a running process"},
	{NetworkClosed, 1, Info, (*NetworkClosedPayload)(nil), "", "an allowed connection ended: bytes both ways, duration, why"},
	{SandboxDenial, 1, Warn, (*SandboxDenialPayload)(nil), "proctor.sandbox.denial", "one call that confinement refused: path or address, call, rule"},
	{FileChange, 1, Info, (*FileChangePayload)(nil), "", "a patch or a command changed a file, with digests"},
	{FileRead, 1, Info, (*FileReadPayload)(nil), "", "the agent program itself looked at a file, through the executor"},
	{ExecutorAttached, 1, Info, (*ExecutorAttachedPayload)(nil), "", "an agent program of others works through the executor: which, over what"},
	{ModelRequest, 1, Info, (*ModelRequestPayload)(nil), "", "a request of an agent program of others is about to be sent to the model"},
	{ModelAnswered, 1, Info, (*ModelAnsweredPayload)(nil), "", "the model server answers such a request: the head, before the program sees it"},
	{ModelEvent, 1, Info, (*ModelEventPayload)(nil), "", "one event of such an answer, before the program sees it"},
	{ModelEnded, 1, Info, (*ModelEndedPayload)(nil), "", "how such a request ended, with token counts"},
	{TurnCompleted, 1, Info, (*TurnCompletedPayload)(nil), "codex.turn.e2e", "a turn ended: completed, failed or interrupted"},
	{SessionHeartbeat, 1, Info, (*SessionHeartbeatPayload)(nil), "", "an open session still runs, with the counts of all before"},
	{SessionClosed, 1, Info, (*SessionClosedPayload)(nil), "", "the last event of a session, with the counts of all before"},
	{Checkpoint, 1, Info, (*CheckpointPayload)(nil), "", "a signed tree head of the ledger"},
	{ExportGap, 1, Warn, (*ExportGapPayload)(nil), "proctor.export.gap", "entries that a destination refused or got late"},
	{Erasure, 1, Warn, (*ErasurePayload)(nil), "", "the content of a session was erased; proofs still hold"},
	{HoldPlaced, 1, Warn, (*HoldPlacedPayload)(nil), "", "a session must be kept: neither erasure nor retention touches it"},
	{HoldReleased, 1, Warn, (*HoldReleasedPayload)(nil), "", "a session need not be kept any longer"},
	{MessageRefused, 1, Error, (*MessageRefusedPayload)(nil), "", "a ledger could not take a message in that a cluster had taken"},
	{KeyRotated, 1, Warn, (*KeyRotatedPayload)(nil), "", "the ledger signs with another key from the next checkpoint on"},
}
