package fakemodel

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
)

// Scenario is a whole script. Steps is short for one last track that takes
// every request no other track took.
type Scenario struct {
	Name string `json:"name,omitempty"`
	// Models is the answer to GET …/models; 404 when empty.
	Models json.RawMessage `json:"models,omitempty"`
	Tracks []Track         `json:"tracks,omitempty"`
	Steps  []Step          `json:"steps,omitempty"`

	// WebSocket, WebSocketStatus and OTLP are read and ignored: scenario
	// files are shared with a server that knows them.
	WebSocket       string          `json:"websocket,omitempty"`
	WebSocketStatus int             `json:"websocket_status,omitempty"`
	OTLP            json.RawMessage `json:"otlp,omitempty"`
}

// Track is a sequence of steps for the requests that Match fits.
type Track struct {
	Name string `json:"name"`
	// Match is a regular expression on the request body; empty fits all.
	Match string `json:"match,omitempty"`
	// Loop starts again after the last step.
	Loop  bool   `json:"loop,omitempty"`
	Steps []Step `json:"steps"`
}

// Ways for a step to end its stream.
const (
	EndCompleted = "completed" // response.completed; the default
	EndFailed    = "failed"    // response.failed with Step.Failed
	EndEOF       = "eof"       // the stream closes early, in good order
	EndReset     = "reset"     // the connection is reset
	EndHang      = "hang"      // silence until the client leaves or Close
)

// Step is the answer to one request.
type Step struct {
	Note  string `json:"note,omitempty"`
	Parts []Part `json:"parts,omitempty"`
	// Usage is 1000 input, 400 cached, 50 output, 10 reasoning when nil.
	Usage *Usage `json:"usage,omitempty"`
	// End is one of the End constants.
	End string `json:"end,omitempty"`
	// Failed is the error object for EndFailed.
	Failed json.RawMessage `json:"failed,omitempty"`
	// Status other than 0 and 200 answers with Body and no stream.
	Status  int               `json:"status,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	// Body is JSON; a JSON string is sent as its text.
	Body json.RawMessage `json:"body,omitempty"`
	// DelayMS waits before the answer, GapMS after each event; milliseconds.
	DelayMS int `json:"delay_ms,omitempty"`
	GapMS   int `json:"gap_ms,omitempty"`
	// Require and Forbid are regular expressions on the request body.
	Require []string `json:"require,omitempty"`
	Forbid  []string `json:"forbid,omitempty"`
}

// Usage counts tokens; the total is input plus output.
type Usage struct {
	Input      int64 `json:"input"`
	Cached     int64 `json:"cached"`
	CacheWrite int64 `json:"cache_write"`
	Output     int64 `json:"output"`
	Reasoning  int64 `json:"reasoning"`
}

// Part is one thing the model says. At most one of Say, Reason, Call, Custom,
// Item, Event and Raw is set; none of them is an empty message.
type Part struct {
	// Say is an assistant message, with an optional Phase. Deltas splits it
	// into that many text deltas (1 when 0); a text with fewer characters than
	// deltas is filled up with dots.
	Say    string `json:"say,omitempty"`
	Phase  string `json:"phase,omitempty"`
	Deltas int    `json:"deltas,omitempty"`
	// Reason is a reasoning summary.
	Reason string `json:"reason,omitempty"`
	// Call is a function call by tool name; Args is an object, or a string
	// that is sent as it is.
	Call      string          `json:"call,omitempty"`
	Namespace string          `json:"namespace,omitempty"`
	Args      json.RawMessage `json:"args,omitempty"`
	// Custom is a free-form tool call by tool name.
	Custom string `json:"custom,omitempty"`
	Input  string `json:"input,omitempty"`
	// CallID belongs to Call and Custom; counted up when empty.
	CallID string `json:"call_id,omitempty"`
	// Item is any output item, sent as response.output_item.done.
	Item json.RawMessage `json:"item,omitempty"`
	// Event is any stream event.
	Event json.RawMessage `json:"event,omitempty"`
	// Raw is written to the stream byte for byte, to break it.
	Raw string `json:"raw,omitempty"`
}

// maxDeltas bounds the work that one part can ask for.
const maxDeltas = 1_000_000

// Parse reads a scenario: one JSON object whose fields are the json tags of
// [Scenario], [Track], [Step] and [Part]. Unknown fields are errors.
func Parse(data []byte) (Scenario, error) {
	var scenario Scenario
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&scenario); err != nil {
		return Scenario{}, fmt.Errorf("parse scenario: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Scenario{}, errors.New("parse scenario: more than one JSON value; expected one object")
	}
	if err := scenario.Validate(); err != nil {
		return Scenario{}, err
	}
	return scenario, nil
}

// Validate reports every mistake of the script at once.
func (s Scenario) Validate() error {
	var problems []error
	for _, track := range s.tracks() {
		where := fmt.Sprintf("scenario %q, track %q", s.Name, track.Name)
		problems = append(problems, pattern(where+", match", track.Match))
		for i, step := range track.Steps {
			if err := step.validate(); err != nil {
				problems = append(problems, fmt.Errorf("%s, step %d: %w", where, i, err))
			}
		}
	}
	return errors.Join(problems...)
}

// tracks is the list in the order in which they are asked.
func (s Scenario) tracks() []Track {
	tracks := append([]Track(nil), s.Tracks...)
	if len(s.Steps) > 0 {
		tracks = append(tracks, Track{Name: "main", Steps: s.Steps})
	}
	return tracks
}

func (s Step) validate() error {
	var problems []error
	switch s.End {
	case "", EndCompleted, EndFailed, EndEOF, EndReset, EndHang:
	default:
		problems = append(problems, fmt.Errorf("end %q is none of completed, failed, eof, reset, hang", s.End))
	}
	if s.Status != 0 && (s.Status < 200 || s.Status > 599) {
		problems = append(problems, fmt.Errorf("status %d is not between 200 and 599", s.Status))
	}
	if s.DelayMS < 0 || s.GapMS < 0 {
		problems = append(problems, errors.New("delay_ms and gap_ms must not be negative"))
	}
	for _, expr := range s.Require {
		problems = append(problems, pattern("require", expr))
	}
	for _, expr := range s.Forbid {
		problems = append(problems, pattern("forbid", expr))
	}
	for i, part := range s.Parts {
		if err := part.validate(); err != nil {
			problems = append(problems, fmt.Errorf("part %d: %w", i, err))
		}
	}
	return errors.Join(problems...)
}

func (p Part) validate() error {
	set := 0
	for _, is := range []bool{p.Say != "", p.Reason != "", p.Call != "", p.Custom != "", p.Item != nil, p.Event != nil, p.Raw != ""} {
		if is {
			set++
		}
	}
	switch {
	case set > 1:
		return errors.New("more than one of say, reason, call, custom, item, event, raw is set")
	case p.Deltas < 0 || p.Deltas > maxDeltas:
		return fmt.Errorf("deltas %d is not between 0 and %d", p.Deltas, maxDeltas)
	case p.Deltas > 0 && set == 1 && p.Say == "":
		return errors.New("deltas belongs to say")
	case p.Event != nil:
		var head struct {
			Type string `json:"type"`
		}
		if err := json.Unmarshal(p.Event, &head); err != nil || head.Type == "" {
			return errors.New("event is not an object with a type")
		}
	}
	return nil
}

func pattern(what, expr string) error {
	if _, err := regexp.Compile(expr); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// refuses reports whether the step answers without a stream.
func (s Step) refuses() bool { return s.Status != 0 && s.Status != http.StatusOK }
