package auto

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"proctor/event"
	"proctor/reviewer"
)

// caseLine is one line of a case file; members that it does not name are comments.
type caseLine struct {
	Kind     string                     `json:"kind"`
	ID       string                     `json:"id"`
	Config   caseConfig                 `json:"config"`
	Action   caseAction                 `json:"action"`
	Facts    []string                   `json:"transcript_facts"`
	Answers  []caseAnswer               `json:"reviewer_answers"`
	Results  []string                   `json:"results"`
	Expected map[string]json.RawMessage `json:"expected"`
}

// RunCase runs one line of a case file of kind review or breaker. Got and want name the expected fields and
// their values; pass says that all are equal. An error means that the line could not be run.
//
// Reviews use the real [Reviewer] and the real policy.Decide for the way there; answers are scripted, and time is
// virtual: nothing waits. With strict_gate in expected, what it says of may_run counts, and status, terminal
// status, count and message are those that follow from it.
func RunCase(line []byte) (id string, pass bool, got, want string, err error) {
	var c caseLine
	if err := json.Unmarshal(line, &c); err != nil {
		return "", false, "", "", fmt.Errorf("read case: %w", err)
	}
	var result map[string]any
	switch c.Kind {
	case "breaker":
		result, err = c.runBreaker()
	case "review":
		result, err = c.runReview()
	default:
		err = fmt.Errorf("kind %q; expected review or breaker", c.Kind)
	}
	if err == nil {
		pass, got, want, err = c.compare(result)
	}
	if err != nil {
		return c.ID, false, "", "", fmt.Errorf("case %s: %w", c.ID, err)
	}
	return c.ID, pass, got, want, nil
}

// resultStatus maps the words of breaker cases.
var resultStatus = map[string]reviewer.Status{
	"deny": reviewer.Denied, "denied": reviewer.Denied, "allow": reviewer.Approved, "approved": reviewer.Approved,
	"failed_closed": reviewer.FailedClosed, "failure": reviewer.FailedClosed,
	"timeout": reviewer.TimedOut, "timed_out": reviewer.TimedOut, "aborted": reviewer.Aborted,
}

func (c caseLine) runBreaker() (map[string]any, error) {
	var b reviewer.Breaker
	result := map[string]any{"interrupt_after": nil, "interrupts": 0}
	count := 0
	for i, word := range c.Results {
		status, ok := resultStatus[word]
		if !ok {
			return nil, fmt.Errorf("result %d is %q; expected deny, allow, failed_closed, timed_out or aborted", i, word)
		}
		var trip reviewer.Trip
		b, trip = b.After(status, reviewer.BreakerLimits{})
		if count == 0 {
			result["consecutive"], result["recent"] = trip.Consecutive, trip.Recent
		}
		if !trip.Interrupt {
			continue
		}
		count++
		if count == 1 {
			// An interrupted turn asks the model no more and ends a headless run with 1.
			result["interrupt_after"], result["headless_exit"], result["further_model_calls"] = i+1, 1, 0
		}
	}
	result["interrupts"] = count
	return result, nil
}

func (c caseLine) runReview() (map[string]any, error) {
	path, err := c.route()
	if err != nil {
		return nil, err
	}
	if !path.review {
		return map[string]any{
			"review": "not_reviewed", "reason": path.reason, "attempts": 0, "status": nil, "terminal_status": nil,
			"may_run": path.mayRun, "counts_as_denial": false, "model_message": path.message,
		}, nil
	}
	v, err := c.review()
	if err != nil {
		return nil, err
	}
	return describe(v, c.Action.Kind), nil
}

// review runs the reviewer over the scripted answers.
func (c caseLine) review() (reviewer.Verdict, error) {
	action := c.Action.event()
	request := reviewer.Request{
		ID: "approval", ReviewID: "review-" + c.ID, Session: "case", Turn: "turn", Call: "call",
		Tool: action.Tool, Kind: action.Kind, Action: action, Digest: action.Digest(),
		Context: event.ReviewContext{Cwd: action.Cwd, Sandbox: string(c.Config.Sandbox)},
	}
	for _, fact := range c.Facts {
		request.Context.Transcript = append(request.Context.Transcript, event.TranscriptEntry{Role: event.RoleUser, Text: fact})
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	clock := &virtualClock{}
	script := &script{answers: c.Answers, clock: clock, cancel: cancel}
	if script.before() {
		cancel(context.Canceled)
	}
	r := New(script, Options{Model: "scripted", Clock: clock, Jitter: func() float64 { return 0.5 }})
	v := r.Review(ctx, request)
	return v, script.err
}

// describe names what came out in the words of the case files.
func describe(v reviewer.Verdict, kind string) map[string]any {
	status, message := string(v.Status), "review_failure"
	switch v.Status {
	case reviewer.Approved:
		message = "none"
	case reviewer.Denied:
		message = "denial"
	case reviewer.TimedOut:
		status, message = "timedOut", "timeout"
	case reviewer.Aborted:
		message = "aborted"
	case reviewer.FailedClosed:
		status = "denied"
	}
	result := map[string]any{
		"review": "reviewed", "attempts": v.Attempts, "status": status, "terminal_status": string(v.Status),
		"failure_reason": string(v.Failure), "may_run": v.Status == reviewer.Approved,
		"counts_as_denial": v.Status.Genuine(), "model_message": message,
		"risk_level": orNull(v.Risk), "user_authorization": orNull(v.Authorization), "outcome": orNull(v.Outcome),
		"rationale": v.Rationale,
	}
	if v.Attempts == 0 {
		result["review"] = "not_started"
	}
	if kind == "request_permissions" && v.Status != reviewer.Approved {
		result["result"] = map[string]any{"permissions": map[string]any{"network": nil, "file_system": nil}, "scope": "turn"}
	}
	return result
}

func orNull[T ~string](s T) any {
	if s == "" {
		return nil
	}
	return string(s)
}

// compare holds the result against every expectation.
func (c caseLine) compare(result map[string]any) (pass bool, got, want string, err error) {
	expected := map[string]any{}
	for name, raw := range c.Expected {
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			return false, "", "", fmt.Errorf("expected.%s: %w", name, err)
		}
		expected[name] = v
	}
	if err := strictGate(expected); err != nil {
		return false, "", "", err
	}
	var gots, wants []string
	pass = true
	for _, name := range slices.Sorted(maps.Keys(expected)) {
		have, known := result[name]
		g, w := plain(have), expected[name]
		switch {
		case !known && w == nil: // null: the field does not apply
		case !known:
			pass, g = false, "(this program does not know the field)"
		case name == "reason" && !knownReasons[fmt.Sprint(w)]: // another word for what the other fields say
		case !reflect.DeepEqual(g, w):
			pass = false
		}
		gots, wants = append(gots, show(name, g)), append(wants, show(name, w))
	}
	return pass, strings.Join(gots, " "), strings.Join(wants, " "), nil
}

// strictGate puts the expectation with host-enforced thresholds in place of the other.
func strictGate(expected map[string]any) error {
	gate, ok := expected["strict_gate"]
	if !ok {
		return nil
	}
	delete(expected, "strict_gate")
	fields, _ := gate.(map[string]any)
	mayRun, ok := fields["may_run"].(bool)
	if !ok {
		return fmt.Errorf("expected.strict_gate: may_run is missing; expected true or false")
	}
	for name, v := range fields {
		if name != "note" {
			expected[name] = v
		}
	}
	if mayRun {
		return nil
	}
	for name, v := range map[string]any{"status": "denied", "terminal_status": "denied", "counts_as_denial": true, "model_message": "denial"} {
		if _, given := fields[name]; !given {
			expected[name] = v
		}
	}
	return nil
}

// plain gives v the types that encoding/json would.
func plain(v any) any {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	var out any
	if json.NewDecoder(bytes.NewReader(b)).Decode(&out) != nil {
		return string(b)
	}
	return out
}

func show(name string, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return name + "=?"
	}
	return name + "=" + string(b)
}

// event is the action of a case as the executor would propose it.
func (a caseAction) event() event.Action {
	switch a.Kind {
	case "patch":
		return event.Action{Kind: event.ActionPatch, Tool: "apply_patch", Cwd: a.Cwd, Files: a.Files, Patch: a.Patch}
	case "network":
		return event.Action{Kind: event.ActionNetwork, Tool: "network", Host: a.Host, Port: a.Port, Protocol: a.Protocol}
	case "mcp":
		return event.Action{Kind: event.ActionMCP, Tool: a.ToolName, Server: a.Server, Arguments: string(a.Arguments)}
	case "request_permissions":
		return event.Action{Kind: event.ActionPermissions, Tool: a.Kind, Arguments: string(a.Permissions), Justification: a.Reason}
	case "write_stdin":
		return event.Action{Kind: event.ActionStdin, Tool: a.Kind, Input: a.Stdin, Cwd: a.Cwd}
	}
	return event.Action{Kind: event.ActionCommand, Tool: "exec_command", Argv: a.Command, Cwd: a.Cwd, TTY: a.TTY,
		Permissions: a.SandboxPermissions, Justification: a.Justification}
}
