package reviewer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"proctor/event"
)

// Request is one approval request as a reviewer sees it.
type Request struct {
	ID                  string // approval_id
	ReviewID            string
	Session, Turn, Call string
	Tool                string
	Kind                event.ActionKind
	Reason              string // why approval is needed
	Rule                string
	Digest              event.Hash
	// Answered: policy answered the request itself, in the same commit; it is there for the record.
	Answered bool
	// OneShot: an approval counts for this call only. Amendment is the rule that one of scope amendment adds, zero when none is offered.
	OneShot   bool
	Amendment event.Amendment
	Action    event.Action
	Context   event.ReviewContext
	// Deadline is when the executor stops waiting.
	Deadline time.Time
}

// Trusted reports whether a transcript entry comes from the user and not from model or workspace.
func Trusted(e event.TranscriptEntry) bool {
	return e.Role == event.RoleUser || e.Role == event.RoleApproval
}

var (
	errSealed  = errors.New("the action of the request was erased or not delivered")
	errDigest  = errors.New("the action of the request does not have the digest that the request names")
	errForeign = errors.New("not an approval request")
)

// Read takes the request out of a proctor.approval_requested entry and checks that its action
// is the one its digest names. The parts that could be read come back beside an error.
func Read(e event.Entry) (Request, error) {
	if e.Event == nil {
		return Request{}, fmt.Errorf("entry %s of kind %s: %w", e.ID, e.Kind, errForeign)
	}
	p, ok := e.Event.Payload.(*event.ApprovalRequestedPayload)
	if !ok || p == nil || p.ApprovalID == "" {
		return Request{}, fmt.Errorf("entry %s of kind %s: %w", e.ID, e.Kind, errForeign)
	}
	r := Request{
		ID: p.ApprovalID, Session: e.Event.Session, Turn: e.Event.Turn, Call: e.Event.Call,
		Tool: p.ToolName, Kind: event.ActionKind(p.ActionKind), Reason: p.Reason, Rule: p.Rule, Digest: p.Digest,
		Answered: p.Reviewer == event.ReviewerPolicy, OneShot: p.OneShot,
	}
	if p.Deadline > 0 {
		r.Deadline = e.Event.Time.Add(time.Duration(min(p.Deadline, maxDeadline.Milliseconds())) * time.Millisecond)
	}
	if err := r.readAction(p.Action, e.Event.Masked.In("action")); err != nil {
		return r, fmt.Errorf("approval request %s: %w", p.ApprovalID, err)
	}
	if text, ok := p.Amendment.Reveal(); ok && text != "" {
		if err := json.Unmarshal([]byte(text), &r.Amendment); err != nil {
			return r, fmt.Errorf("approval request %s: amendment: %w", p.ApprovalID, err)
		}
	}
	if text, ok := p.Context.Reveal(); ok && text != "" {
		if err := json.Unmarshal([]byte(text), &r.Context); err != nil {
			return r, fmt.Errorf("approval request %s: context: %w", p.ApprovalID, err)
		}
	}
	return r, nil
}

// maxDeadline bounds what a request may ask to wait.
const maxDeadline = 24 * time.Hour

// readAction is strict: what this program does not understand cannot be judged by it. Where a secret was masked in the recorded
// action it is not the one that the digest is of: the digest, which is what an answer binds, was recorded with it all the same.
func (r *Request) readAction(sealed event.Sensitive, masked bool) error {
	text, ok := sealed.Reveal()
	if !ok || text == "" {
		return errSealed
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r.Action); err != nil {
		return fmt.Errorf("action: %w", err)
	}
	if dec.More() {
		return errors.New("action: data after the JSON value")
	}
	if !masked && r.Action.Digest() != r.Digest || r.Action.Kind != r.Kind {
		return errDigest
	}
	return nil
}
