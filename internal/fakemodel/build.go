package fakemodel

import (
	"encoding/json"
	"time"
)

// Script is a scenario of one track.
func Script(steps ...Step) Scenario { return Scenario{Name: "script", Steps: steps} }

// Answer is a step that says parts and completes.
func Answer(parts ...Part) Step { return Step{Parts: parts} }

// Refuse is a step that answers with an HTTP status; body may be nil.
func Refuse(status int, body any) Step {
	step := Step{Status: status}
	if body != nil {
		step.Body = encode(body)
	}
	return step
}

// Fail is a step that says parts and ends in response.failed.
func Fail(code, message string, parts ...Part) Step {
	return Step{Parts: parts, End: EndFailed, Failed: encode(failure{Code: code, Message: message})}
}

// Ending replaces the way the step ends.
func (s Step) Ending(end string) Step { s.End = end; return s }

// Using replaces the token counts.
func (s Step) Using(u Usage) Step { s.Usage = &u; return s }

// Requiring adds expressions that the request body must match.
func (s Step) Requiring(exprs ...string) Step {
	s.Require = append(append([]string(nil), s.Require...), exprs...)
	return s
}

// Forbidding adds expressions that the request body must not match.
func (s Step) Forbidding(exprs ...string) Step {
	s.Forbid = append(append([]string(nil), s.Forbid...), exprs...)
	return s
}

// After waits before the answer.
func (s Step) After(d time.Duration) Step { s.DelayMS = int(d.Milliseconds()); return s }

// With adds a response header.
func (s Step) With(name, value string) Step {
	headers := map[string]string{name: value}
	for n, v := range s.Headers {
		if n != name {
			headers[n] = v
		}
	}
	s.Headers = headers
	return s
}

// Say is an assistant message.
func Say(text string) Part { return Part{Say: text} }

// Final marks a message as the final answer.
func (p Part) Final() Part { p.Phase = "final_answer"; return p }

// In splits a message into n text deltas.
func (p Part) In(n int) Part { p.Deltas = n; return p }

// Reason is a reasoning summary.
func Reason(text string) Part { return Part{Reason: text} }

// Call is a function call; args is encoded as JSON, a string is sent as it is.
func Call(tool, callID string, args any) Part {
	return Part{Call: tool, CallID: callID, Args: encode(args)}
}

// Custom is a free-form tool call.
func Custom(tool, callID, input string) Part {
	return Part{Custom: tool, CallID: callID, Input: input}
}

// Raw is text written to the stream as it is.
func Raw(text string) Part { return Part{Raw: text} }

// encode panics on a value that JSON cannot hold: a script is written by a
// programmer, and the mistake is in its text.
func encode(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic("fakemodel: script value: " + err.Error()) //nolint:forbidigo // see above
	}
	return data
}
