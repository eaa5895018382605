package hook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Ending is how a program ended.
type Ending struct {
	// Exit is its status; -1 when a signal ended it, it was not started or not waited for.
	Exit           int
	Stdout, Stderr []byte
	// Fault says why nothing can be read from it: Timeout, NotStarted, TooLong, Killed; empty otherwise.
	Fault string
}

// Why a program gave no answer.
const (
	Timeout    = "timeout"
	NotStarted = "not_started"
	TooLong    = "output_too_long"
	Killed     = "killed"
	Exited     = "exit_status"
	Unreadable = "output_unreadable"
	Unknown    = "answer_unknown"
	Cancelled  = "cancelled"
)

// Answer is what one hook said. The zero Answer is no opinion.
type Answer struct {
	// Deny objects: to the call, the prompt, the approval, the output, or to stopping, as the event has it. Reason says why.
	Deny   bool
	Reason string
	// Allow approves, at PermissionRequest only.
	Allow bool
	// Input replaces the input of the tool, at PreToolUse only; a JSON object.
	Input json.RawMessage
	// Context is added to the conversation.
	Context string
	// Message is for the person who follows the run.
	Message string
	// Halt ends the session before it began, at SessionStart only.
	Halt bool
	// Failure says why there is no answer, empty when there is one; Detail is for people.
	Failure, Detail string
}

type answerJSON struct {
	Continue *bool         `json:"continue"`
	Stop     string        `json:"stopReason"`
	Suppress bool          `json:"suppressOutput"` // of a person's view, which shows none
	System   string        `json:"systemMessage"`
	Decision *string       `json:"decision"`
	Reason   string        `json:"reason"`
	Specific *specificJSON `json:"hookSpecificOutput"`
}

type specificJSON struct {
	Event      *string         `json:"hookEventName"`
	Permission *string         `json:"permissionDecision"`
	Why        string          `json:"permissionDecisionReason"`
	Input      json.RawMessage `json:"updatedInput"`
	Context    string          `json:"additionalContext"`
	Decision   *struct {
		Behavior string `json:"behavior"`
		Message  string `json:"message"`
	} `json:"decision"`
}

// blocking is the exit status that objects, with the reason on standard error.
const blocking = 2

// Read reads the answer of a hook to an event.
func Read(event Event, e Ending) Answer {
	stderr := strings.TrimSpace(string(bytes.ToValidUTF8(e.Stderr, nil)))
	switch {
	case e.Fault != "":
		return failure(e.Fault, stderr)
	case e.Exit == blocking && stderr != "" && events[event].answers():
		return Answer{Deny: true, Reason: stderr}
	case e.Exit == blocking && event.Gates():
		return failure(Unknown, "exit status 2 without a reason on standard error")
	case e.Exit != 0:
		return failure(Exited, fmt.Sprintf("exit status %d %s", e.Exit, stderr))
	}
	text := bytes.TrimSpace(e.Stdout)
	if len(text) == 0 {
		return Answer{}
	}
	if text[0] != '{' && text[0] != '[' {
		if event == SessionStart || event == UserPromptSubmit { // plain text is context there
			return Answer{Context: string(bytes.ToValidUTF8(text, nil))}
		}
		return Answer{}
	}
	var a answerJSON
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields() // what is not understood may be what forbids
	if err := dec.Decode(&a); err != nil {
		return failure(Unreadable, err.Error())
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return failure(Unreadable, "more than one JSON value")
	}
	return a.answer(event)
}

// answers: an exit status of 2 means something.
func (t traits) answers() bool { return t.here && !t.ending && t.label != events[SessionStart].label }

func failure(why, detail string) Answer {
	return Answer{Failure: why, Detail: clip(strings.TrimSpace(detail), 1024)}
}

func (a answerJSON) answer(event Event) Answer {
	s := specificJSON{}
	if a.Specific != nil {
		s = *a.Specific
		if s.Event != nil && *s.Event != string(event) {
			return failure(Unknown, "hookEventName is "+clip(*s.Event, 64))
		}
	}
	out := Answer{Context: s.Context, Message: a.System}
	if !events[event].context {
		out.Context = ""
	}
	switch event {
	case PreToolUse:
		return a.preToolUse(s, out)
	case PermissionRequest:
		return a.permission(s, out)
	case SessionStart:
		if a.Continue != nil && !*a.Continue {
			out.Halt, out.Reason = true, a.Stop
		}
		return out
	case SessionEnd:
		return out
	default:
		return a.block(event, out)
	}
}

// preToolUse: permissionDecision, or the older decision.
func (a answerJSON) preToolUse(s specificJSON, out Answer) Answer {
	rewrites := len(s.Input) > 0 && string(s.Input) != "null"
	switch {
	case a.Continue != nil && !*a.Continue:
		return failure(Unknown, "continue = false is no answer to PreToolUse")
	case s.Permission != nil:
		switch *s.Permission {
		case "deny":
			return objection(out, s.Why)
		case "allow":
			if rewrites && s.Input[0] != '{' {
				return failure(Unknown, "updatedInput is no object")
			}
			if rewrites {
				out.Input = s.Input
			}
			return out
		}
		return failure(Unknown, "permissionDecision is "+clip(*s.Permission, 64))
	case rewrites:
		return failure(Unknown, `updatedInput without permissionDecision = "allow"`)
	case a.Decision != nil:
		if *a.Decision != "block" {
			return failure(Unknown, "decision is "+clip(*a.Decision, 64))
		}
		return objection(out, a.Reason)
	}
	return out
}

func (a answerJSON) permission(s specificJSON, out Answer) Answer {
	if a.Continue != nil && !*a.Continue || a.Decision != nil {
		return failure(Unknown, "neither continue nor decision is an answer to PermissionRequest")
	}
	if s.Decision == nil {
		return out
	}
	switch s.Decision.Behavior {
	case "allow":
		out.Allow, out.Reason = true, s.Decision.Message
	case "deny":
		out.Deny, out.Reason = true, s.Decision.Message
	default:
		return failure(Unknown, "behavior is "+clip(s.Decision.Behavior, 64))
	}
	return out
}

// block: decision = "block" with a reason, or continue = false.
func (a answerJSON) block(event Event, out Answer) Answer {
	switch {
	case a.Decision != nil && *a.Decision != "block":
		return failure(Unknown, "decision is "+clip(*a.Decision, 64))
	case a.Decision != nil:
		return objection(out, a.Reason)
	case a.Continue != nil && !*a.Continue && event != Stop:
		out.Deny, out.Reason = true, a.Stop
	}
	return out
}

// objection needs a reason, since that is all the model is told.
func objection(out Answer, reason string) Answer {
	if reason = strings.TrimSpace(reason); reason == "" {
		return failure(Unknown, "an objection without a reason")
	}
	out.Deny, out.Reason = true, reason
	return out
}
