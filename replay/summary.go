package replay

import (
	"time"

	"proctor/event"
)

// Summary is one session in one line. The zero value is ready; add the session's entries in order.
type Summary struct {
	Session    string        `json:"session"`
	Started    time.Time     `json:"started"`
	Ended      time.Time     `json:"ended"` // of the last entry
	Duration   time.Duration `json:"-"`
	DurationMS int64         `json:"duration_ms"`
	// Status is that of the last turn (completed, failed, interrupted), or running, or the reason of closing when
	// there was no turn; open when the session has no closing event.
	Status   string      `json:"status"`
	Closed   bool        `json:"closed"`
	Model    string      `json:"model"`
	Prompt   string      `json:"prompt,omitempty"` // the first, cut; empty when its content is gone
	Events   uint64      `json:"events"`
	Turns    int         `json:"turns"`
	Requests int         `json:"model_requests"` // attempts, those of reviews included
	Calls    int         `json:"calls"`          // tool calls that were decided
	Commands int         `json:"commands"`       // actions that were started
	Failed   int         `json:"failed_calls"`   // failed, or ended with another exit code than 0
	Refused  int         `json:"refused_calls"`  // decided against
	Reviews  int         `json:"reviews"`
	Denials  int         `json:"sandbox_denials"` // calls that confinement or the network policy refused
	Files    int         `json:"file_changes"`
	Tokens   event.Usage `json:"usage"` // of all turns, without reviews
}

// maxPrompt bounds the prompt in a summary, in bytes.
const maxPrompt = 200

// Summarize adds all entries.
func Summarize(entries []event.Entry) Summary {
	var s Summary
	for _, e := range entries {
		s.Add(e)
	}
	return s
}

// Add counts one more entry of the session.
func (s *Summary) Add(e event.Entry) {
	at := when(e)
	if s.Events == 0 {
		s.Session, s.Started, s.Status = e.Session, at, "open"
	}
	s.Events++
	s.Ended = at
	s.Duration = at.Sub(s.Started)
	s.DurationMS = s.Duration.Milliseconds()
	if e.Event == nil {
		return
	}
	switch p := e.Event.Payload.(type) {
	case *event.ConversationStartsPayload:
		s.Model = p.Model
	case *event.UserPromptPayload:
		if text, ok := p.Prompt.Reveal(); ok && s.Prompt == "" {
			s.Prompt = clip(text, maxPrompt)
		}
	case *event.TurnStartedPayload:
		s.Turns++
		s.Status, s.Closed = "running", false
	case *event.TurnCompletedPayload:
		s.Status = p.Status
		s.Tokens = plus(s.Tokens, p.Usage)
	case *event.SessionClosedPayload:
		s.Closed = true
		if s.Status == "open" || s.Status == "running" {
			s.Status = p.Reason
		}
	case *event.SessionResumedPayload:
		s.Closed = false
	default:
		s.count(p)
	}
}

func (s *Summary) count(payload event.Payload) {
	switch p := payload.(type) {
	case *event.APIRequestPayload:
		s.Requests++
	case *event.ToolDecisionPayload:
		s.Calls++
		if p.Outcome != "allow" {
			s.Refused++
		}
	case *event.ExecStartedPayload:
		s.Commands++
	case *event.ToolResultPayload:
		if p.Status == "failed" || p.ExitCode != nil && *p.ExitCode != 0 {
			s.Failed++
		}
	case *event.ApprovalDecidedPayload:
		s.Reviews++
	case *event.SandboxDenialPayload:
		s.Denials += max(1, p.Count)
	case *event.NetworkPolicyDecisionPayload:
		if p.Decision != "allow" {
			s.Denials++
		}
	case *event.FileChangePayload:
		s.Files++
	}
}

func plus(a, b event.Usage) event.Usage {
	return event.Usage{
		Input: a.Input + b.Input, Cached: a.Cached + b.Cached, CacheWrite: a.CacheWrite + b.CacheWrite,
		Output: a.Output + b.Output, Reasoning: a.Reasoning + b.Reasoning,
	}
}
