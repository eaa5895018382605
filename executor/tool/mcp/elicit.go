package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"proctor/event"
	"proctor/policy"
)

// Asker answers questions of servers; both methods record the question and its answer. An error means that the record is lost.
type Asker interface {
	// Elicit asks whether a is answered with yes.
	Elicit(ctx context.Context, callID string, a event.Action) (approved bool, err error)
	// DeclineElicitation is for a question that cannot be answered here, whoever is asked.
	DeclineElicitation(ctx context.Context, callID string, a event.Action, why policy.Reason) error
}

const (
	// maxQuestions bounds the questions of one call, maxQuestion one of them in bytes of JSON.
	maxQuestions = 16
	maxQuestion  = 32 << 10
)

// errTimeout ends a call that took too long.
var errTimeout = errors.New("no answer in time")

// flight is one call under way. Its time stands still while a question waits.
type flight struct {
	call   string
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	limit  time.Duration
	asked  int // guarded by Server.mu
}

// launch begins a call; land ends it.
func (s *Server) launch(ctx context.Context, call string) *flight {
	f := &flight{call: call, limit: s.config.ToolTimeout}
	f.ctx, f.cancel = context.WithCancelCause(ctx)
	f.timer = time.AfterFunc(f.limit, func() { f.cancel(errTimeout) })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flights = append(s.flights, f)
	return f
}

func (s *Server) land(f *flight) {
	f.timer.Stop()
	f.cancel(nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flights = slices.DeleteFunc(s.flights, func(g *flight) bool { return g == f })
}

// elicit answers a question of the server. The protocol does not say which call it belongs to: it is taken for the one that
// began first. Outside of a call, and beyond the bounds, the answer is no and only the log has it.
func (s *Server) elicit(ctx context.Context, r *sdk.ElicitRequest) (*sdk.ElicitResult, error) {
	no := &sdk.ElicitResult{Action: "decline"}
	question, err := json.Marshal(struct {
		Message string `json:"message"`
		Mode    string `json:"mode,omitempty"`
		URL     string `json:"url,omitempty"`
		Schema  any    `json:"requestedSchema,omitempty"`
	}{r.Params.Message, r.Params.Mode, r.Params.URL, r.Params.RequestedSchema})
	f := s.asking()
	if err != nil || f == nil || len(question) > maxQuestion {
		s.log.Warn("question of an MCP server declined: outside of a call, too many or too large", "bytes", len(question))
		return no, nil //nolint:nilerr // the answer to what cannot be read is no
	}
	a := event.Action{Kind: event.ActionElicitation, Tool: "elicitation", Server: s.config.Name, Origin: s.config.origin(), Arguments: string(question)}
	f.timer.Stop()
	defer f.timer.Reset(f.limit)
	both, cancel := context.WithCancel(f.ctx)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	if r.Params.Mode == "url" || needsInput(r.Params.RequestedSchema) {
		if err := s.config.Asker.DeclineElicitation(both, f.call, a, policy.ReasonElicitationForm); err != nil {
			f.cancel(err)
		}
		return no, nil
	}
	approved, err := s.config.Asker.Elicit(both, f.call, a)
	switch {
	case err != nil: // unrecorded: the call ends, and its result cannot be recorded either
		f.cancel(err)
		return no, nil
	case !approved:
		return no, nil
	}
	return &sdk.ElicitResult{Action: "accept", Content: map[string]any{}}, nil
}

// asking is the call that a question is taken for, or nil.
func (s *Server) asking() *flight {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.flights) == 0 {
		return nil
	}
	f := s.flights[0]
	if f.asked++; f.asked > maxQuestions {
		return nil
	}
	return f
}

// needsInput reports whether a form cannot be answered by yes alone.
func needsInput(schema any) bool {
	if schema == nil {
		return false
	}
	var form struct {
		Required []string `json:"required"`
	}
	b, err := json.Marshal(schema)
	return err != nil || json.Unmarshal(b, &form) != nil || len(form.Required) > 0
}
