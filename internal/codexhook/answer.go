package codexhook

import (
	"encoding/json"
	"io"
	"strings"
	"unicode"
)

// Answer is what a hook says. The zero Answer is no opinion.
type Answer struct {
	// Deny objects: to the call, the approval, the prompt, the output, or the session. It wins over Allow.
	Deny bool `json:"deny,omitempty"`
	// Allow approves, at PermissionRequest only.
	Allow  bool   `json:"allow,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// maxReason bounds what Codex is told, in bytes.
const maxReason = 2000

// Deny objects for a reason.
func Deny(reason string) Answer { return Answer{Deny: true, Reason: reason} }

type specific struct {
	Event    string    `json:"hookEventName"`
	Decision *decision `json:"decision,omitempty"`
}

type decision struct {
	Behavior string `json:"behavior"`
	Message  string `json:"message,omitempty"`
}

// Write gives the answer to an event as Codex understands it, and returns the exit status. For an event that is not known, and for PreToolUse,
// an objection is status 2 with the reason on standard error; no answer has output then, so that nothing of it can be malformed.
// What already happened (Stop, SessionEnd) is not objected to: the reason is told with status 1.
func (a Answer) Write(event string, stdout, stderr io.Writer) int {
	reason := plain(a.Reason)
	switch {
	case a.Deny && event == PermissionRequest:
		return object(stdout, stderr, reason, map[string]any{"hookSpecificOutput": specific{event, &decision{"deny", reason}}})
	case a.Deny && (event == PostToolUse || event == UserPromptSubmit):
		return object(stdout, stderr, reason, map[string]any{"decision": "block", "reason": reason})
	case a.Deny && event == SessionStart:
		return object(stdout, stderr, reason, map[string]any{"continue": false, "stopReason": reason})
	case a.Deny && known(event) && event != PreToolUse:
		_, _ = io.WriteString(stderr, reason+"\n")
		return 1
	case a.Deny:
		_, _ = io.WriteString(stderr, reason+"\n")
		return 2
	case a.Allow && event == PermissionRequest:
		return object(stdout, stderr, reason, map[string]any{"hookSpecificOutput": specific{event, &decision{Behavior: "allow"}}})
	}
	return 0
}

func known(event string) bool {
	for _, e := range Events {
		if e == event {
			return true
		}
	}
	return false
}

// object writes one JSON object. Where that fails nobody may take what did arrive for a yes.
func object(stdout, stderr io.Writer, reason string, v any) int {
	b, err := json.Marshal(v)
	if err == nil {
		_, err = stdout.Write(append(b, '\n'))
	}
	if err != nil {
		_, _ = io.WriteString(stderr, reason+"\n")
		return 2
	}
	return 0
}

// plain is one bounded line that is never empty: an exit status of 2 without a text counts as no answer.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
	if len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason], "") + "…"
	}
	if s = strings.TrimSpace(s); s == "" {
		return "refused by proctor"
	}
	return s
}
