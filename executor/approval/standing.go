package approval

import (
	"encoding/json"

	"proctor/event"
)

// maxStanding bounds what is remembered of one session: keys, permissions and open requests, each. What is beyond is asked again.
const maxStanding = 4096

// Standing are the standing approvals: those of a session that count for more than one call: a fold over its events, so a resumed session
// has the same. Only an approval whose action has the digest that was asked about counts. The zero value holds none.
// It is not safe for concurrent use.
type Standing struct {
	asked     map[string]asked
	keys      map[key]granted
	held      []held
	refused   map[string]refused
	overrides map[string]override
	grants    map[string]Grant
}

type asked struct {
	turn    string
	request *event.ApprovalRequestedPayload
}

// granted names the approval behind a grant.
type granted struct{ approval, reviewer string }

// held are permissions that were granted.
type held struct {
	granted
	turn        string // empty for the session
	permissions event.Permissions
}

// Add folds one event in.
func (g *Standing) Add(e *event.Event) {
	switch p := e.Payload.(type) {
	case *event.ApprovalRequestedPayload:
		if g.asked == nil {
			g.asked = map[string]asked{}
		}
		if _, twice := g.asked[p.ApprovalID]; !twice && len(g.asked) < maxStanding {
			slim := *p
			slim.Context = event.Sensitive{}
			g.asked[p.ApprovalID] = asked{e.Turn, &slim}
		}
	case *event.ApprovalDecidedPayload:
		a, ok := g.asked[p.ApprovalID]
		if !ok { // not asked here, or answered already: the first answer counts
			return
		}
		delete(g.asked, p.ApprovalID)
		g.take(a, p)
	default:
		g.addLater(e.Payload)
	}
}

func (g *Standing) take(a asked, p *event.ApprovalDecidedPayload) {
	action, ok := actionOf(a.request)
	if ok && p.Status != event.Approved {
		g.refuse(action, p)
	}
	if !ok || p.Status != event.Approved || p.Digest != a.request.Digest {
		return
	}
	by := granted{p.ApprovalID, p.Reviewer}
	switch {
	case action.Kind == event.ActionPermissions:
		if action.Additional == nil || len(g.held) >= maxStanding {
			return
		}
		h := held{granted: by, turn: a.turn, permissions: *action.Additional}
		if p.Scope == event.ScopeSession {
			h.turn = ""
		}
		g.held = append(g.held, h)
		g.list(Grant{ID: p.ApprovalID, Kind: GrantPermissions, By: p.Reviewer, Turn: h.turn, Action: action})
	case p.Scope == event.ScopeSession && !a.request.OneShot:
		if g.keys == nil {
			g.keys = map[key]granted{}
		}
		for _, k := range keys(action) {
			if len(g.keys) < maxStanding {
				g.keys[k] = by
			}
		}
		g.list(Grant{ID: p.ApprovalID, Kind: GrantSession, By: p.Reviewer, Action: action})
	}
}

// actionOf is the action of a request, when it is still known and is the one that the request names.
func actionOf(p *event.ApprovalRequestedPayload) (event.Action, bool) {
	var a event.Action
	text, ok := p.Action.Reveal()
	if !ok || json.Unmarshal([]byte(text), &a) != nil || a.Digest() != p.Digest {
		return event.Action{}, false
	}
	return a, true
}

// covers reports whether an earlier approval answers a, and which.
func (g *Standing) covers(a event.Action) (granted, bool) {
	ks := keys(a)
	var by granted
	for _, k := range ks {
		var ok bool
		if by, ok = g.keys[k]; !ok {
			return granted{}, false
		}
	}
	return by, len(ks) > 0
}

// permissions are those held in a turn: of the turn itself, and of the session.
func (g *Standing) permissions(turn string) (out []held) {
	for _, h := range g.held {
		if h.turn == "" || h.turn == turn {
			out = append(out, h)
		}
	}
	return out
}
