package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"proctor/event"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/ledger"
	"proctor/policy"
	"proctor/reviewer"
)

// OpenExisting is Open of a ledger that is there.
func OpenExisting(ctx context.Context, env cli.Env, cfg *config.Config, access Access) (*Store, error) {
	if dir := cfg.Proctor.Ledger.Dir; !ledger.Exists(dir) {
		return nil, noLedger(dir)
	}
	return Open(ctx, env, cfg, access)
}

// askedFor is one approval request with what came of it so far.
type askedFor struct {
	Request reviewer.Request
	Broken  error // why the request cannot be read; it cannot be approved then
	Event   event.ID
	To      string // the reviewer it was made for
	At      time.Time
	Votes   []vote
	Decided *event.ApprovalDecidedPayload // nil while it waits
}

type vote struct {
	ID event.ID
	*event.ApprovalVotedPayload
}

// folder gathers the requests of one session, in order.
type folder struct {
	list []*askedFor
	refs map[event.ID]string // approval ids by the events that are about them
}

func (f *folder) add(e event.Entry) {
	if e.Event == nil {
		return
	}
	var id string
	switch p := e.Event.Payload.(type) {
	case *event.ApprovalRequestedPayload:
		id = p.ApprovalID
		r, err := reviewer.Read(e)
		f.list = append(f.list, &askedFor{Request: r, Broken: err, Event: e.ID, To: p.Reviewer, At: e.Event.Time})
	case *event.ApprovalVotedPayload:
		id = p.ApprovalID
		if a := f.find(id); a != nil {
			a.Votes = append(a.Votes, vote{e.ID, p})
		}
	case *event.ApprovalDecidedPayload:
		id = p.ApprovalID
		if a := f.find(id); a != nil && a.Decided == nil {
			a.Decided = p
		}
	case *event.ToolDecisionPayload:
		id = p.Approval
	}
	if id != "" {
		if f.refs == nil {
			f.refs = map[event.ID]string{}
		}
		f.refs[e.ID] = id
	}
}

func (f *folder) find(id string) *askedFor {
	for _, a := range slices.Backward(f.list) {
		if a.Request.ID == id {
			return a
		}
	}
	return nil
}

// requests are those of one session.
func (s *Store) requests(ctx context.Context, session string) (f folder, err error) {
	err = s.EachEntry(ctx, session, 1, func(e event.Entry) error { f.add(e); return nil })
	return f, err
}

// waiting are the requests that wait for people now, in sessions that are open and that we run.
func (s *Store) waiting(ctx context.Context) (out []*askedFor, err error) {
	sessions, err := s.Ledger.OpenSessions(ctx)
	if err != nil {
		return nil, err
	}
	for _, open := range sessions {
		if reported(open.Originator) {
			continue
		}
		f, err := s.requests(ctx, open.ID)
		if err != nil {
			return nil, err
		}
		for _, a := range f.list {
			if a.Decided == nil && a.To == string(policy.ReviewerUser) {
				out = append(out, a)
			}
		}
	}
	slices.SortFunc(out, func(a, b *askedFor) int { return a.At.Compare(b.At) })
	return out, nil
}

var errNoRequest = errors.New("no such approval request; 'proctor approvals ls' lists those that wait, with --all the answered ones too")

// minPrefix is how much of an id has to be given.
const minPrefix = 4

// request finds one request by its id, the beginning of it, or the id of an event about it.
func (s *Store) request(ctx context.Context, id string) (*askedFor, error) {
	if len(id) < minPrefix {
		return nil, fmt.Errorf("approval %q: %w", cli.Plain(id), errNoRequest)
	}
	sessions, err := s.sessionsAsking(ctx, id)
	if err != nil {
		return nil, err
	}
	var found []*askedFor
	for _, session := range sessions {
		f, err := s.requests(ctx, session)
		if err != nil {
			return nil, err
		}
		if about, ok := f.refs[event.ID(id)]; ok {
			if a := f.find(about); a != nil {
				return a, nil
			}
		}
		for _, a := range f.list {
			if strings.HasPrefix(a.Request.ID, id) {
				found = append(found, a)
			}
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("approval %q: %w", cli.Plain(shorten(id, 64)), errNoRequest)
	case 1:
		return found[0], nil
	}
	return nil, fmt.Errorf("approval %q: %d requests begin so; give more of the id", cli.Plain(id), len(found))
}

// sessionsAsking are the sessions that have a request with such an id, or an event with this one about a request. The search index
// leads to them: only requests are read, and only for the whole id of an event what else is about one.
func (s *Store) sessionsAsking(ctx context.Context, id string) (sessions []string, err error) {
	look := func(kinds ...event.Kind) error {
		return s.eachOfKind(ctx, func(e event.Entry) {
			fits := string(e.ID) == id
			if e.Event != nil {
				p, asked := e.Event.Payload.(*event.ApprovalRequestedPayload)
				fits = fits || asked && strings.HasPrefix(p.ApprovalID, id)
			}
			if fits && !slices.Contains(sessions, e.Session) {
				sessions = append(sessions, e.Session)
			}
		}, kinds...)
	}
	if err = look(event.ApprovalRequested); err == nil && len(sessions) == 0 && event.ID(id).Valid() {
		err = look(event.ApprovalVoted, event.ApprovalDecided, event.ToolDecision)
	}
	return sessions, err
}

// everyRequest is every request of every session, the oldest first.
func (s *Store) everyRequest(ctx context.Context) (out []*askedFor, err error) {
	sessions := map[string]*folder{}
	err = s.eachOfKind(ctx, func(e event.Entry) {
		f := sessions[e.Session]
		if f == nil {
			f = &folder{}
			sessions[e.Session] = f
		}
		before := len(f.list)
		f.add(e)
		out = append(out, f.list[before:]...)
	}, event.ApprovalRequested, event.ApprovalVoted, event.ApprovalDecided)
	return out, err
}

// eachOfKind calls f with the entries of one kind after those of another. The search index leads to them, so nothing else is read.
func (s *Store) eachOfKind(ctx context.Context, f func(event.Entry), kinds ...event.Kind) error {
	for _, kind := range kinds {
		q := ledger.Query{{Field: ledger.FieldKind, Op: "=", Value: string(kind)}}
		if err := s.Ledger.Search(ctx, q, func(e event.Entry) error { f(e); return nil }); err != nil {
			return err
		}
	}
	return nil
}
