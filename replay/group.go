package replay

import (
	"fmt"
	"strings"
	"time"

	"proctor/event"
)

// group is the entries that make one item.
type group struct {
	call    string // a call's events, when set
	model   bool   // the events of one model request, its retries included
	done    bool   // the model request has its answer
	entries []event.Entry
}

// part is a turn with its groups in order of their first entries.
type part struct {
	turn, title string
	groups      []*group
	calls       map[string]*group
	request     *group // the model request under way
}

// gather sorts entries into turns and groups.
func gather(entries []event.Entry) []*part {
	outside := &part{title: "session", calls: map[string]*group{}}
	parts := []*part{outside}
	turns := map[string]*part{}
	for _, e := range entries {
		p := outside
		if e.Event != nil && e.Event.Turn != "" {
			p = turns[e.Event.Turn]
			if p == nil {
				p = &part{turn: e.Event.Turn, title: fmt.Sprintf("turn %d", len(turns)+1), calls: map[string]*group{}}
				turns[e.Event.Turn] = p
				parts = append(parts, p)
				outside = &part{title: "session", calls: map[string]*group{}} // what follows stands below the turn
				parts = append(parts, outside)
			}
		}
		p.add(e)
	}
	return parts
}

func (p *part) add(e event.Entry) {
	switch {
	case e.Event != nil && e.Event.Call != "":
		g := p.calls[e.Event.Call]
		if g == nil && lateAnswer(e) {
			return
		}
		if g == nil {
			g = p.open(&group{call: e.Event.Call})
			p.calls[e.Event.Call] = g
		}
		g.entries = append(g.entries, e)
	case ofModel(e.Kind):
		// A request after the answer begins a new one; before it, it is a retry.
		if p.request == nil || p.request.done && e.Kind == event.APIRequest {
			p.request = p.open(&group{model: true})
		}
		p.request.entries = append(p.request.entries, e)
		p.request.done = p.request.done || answered(e)
	default:
		p.open(&group{entries: []event.Entry{e}})
	}
}

// lateAnswer is the answer to a call of an earlier part: what resuming a session adds for a call that was cut off.
func lateAnswer(e event.Entry) bool {
	p, ok := e.Event.Payload.(*event.HistoryItemPayload)
	return ok && strings.HasSuffix(p.ItemType, "_output")
}

func (p *part) open(g *group) *group {
	p.groups = append(p.groups, g)
	return g
}

func ofModel(k event.Kind) bool {
	switch k {
	case event.APIRequest, event.SSEEvent, event.StreamRetry, event.TurnTTFT, event.AuthRecovery,
		event.WebsocketConnect, event.WebsocketRequest, event.WebsocketEvent:
		return true
	default:
		return false
	}
}

func answered(e event.Entry) bool {
	p, ok := payload[*event.SSEEventPayload](e)
	return ok && p.Error == "" && (p.EventKind == "response.completed" || p.InputTokens != nil)
}

// payload is the payload of an entry, if it is of that type.
func payload[P event.Payload](e event.Entry) (P, bool) {
	var none P
	if e.Event == nil {
		return none, false
	}
	p, ok := e.Event.Payload.(P)
	return p, ok
}

// item describes a group; false when it has nothing to show.
func (g *group) item(start time.Time) (Item, bool) {
	first := g.entries[0]
	item := Item{At: when(first).Sub(start), Seq: first.Seq, Call: g.call}
	switch {
	case g.call != "":
		g.describeCall(&item)
		return item, true
	case g.model:
		g.describeModel(&item)
		return item, true
	}
	return item, describeSingle(&item, first)
}
