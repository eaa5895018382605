package approval

import (
	"context"
	"maps"
	"slices"
	"time"

	"proctor/event"
	"proctor/policy"
)

// GrantKind says what a grant lets through.
type GrantKind string

// The kinds of grant.
const (
	GrantSession     GrantKind = "session"     // the same action, for the session
	GrantPermissions GrantKind = "permissions" // held for a turn or the session
	GrantOverride    GrantKind = "override"    // one call with this digest
)

// Grant is one standing approval, to be listed and revoked by its ID.
type Grant struct {
	ID      string       `json:"id"` // of the approval, or the override
	Kind    GrantKind    `json:"kind"`
	By      string       `json:"by"`
	Turn    string       `json:"turn,omitempty"` // permissions that are held for it only
	Expires time.Time    `json:"expires,omitzero"`
	Action  event.Action `json:"action"`
}

// MaxOverride bounds how long an override may wait to be used.
const MaxOverride = time.Hour

// critical is the risk that no person's override lifts: the security document denies it.
const critical = "critical"

// refused is a request that was not approved: what an override can be about.
type refused struct {
	action event.Action
	digest event.Hash
	risk   string
}

type override struct {
	digest  event.Hash
	expires time.Time
	by      string
}

// Refused is the action of a request of this session that was not approved, and the risk that the reviewer saw.
func (g *Standing) Refused(approval string) (action event.Action, risk string, ok bool) {
	r, ok := g.refused[approval]
	return r.action, r.risk, ok
}

// Overridable reports whether a person may override a refusal of that risk.
func Overridable(risk string) bool { return risk != critical }

// Grants are those in force at a time, in the order of their ids.
func (g *Standing) Grants(now time.Time) (out []Grant) {
	for _, id := range slices.Sorted(maps.Keys(g.grants)) {
		if grant := g.grants[id]; grant.Expires.IsZero() || now.Before(grant.Expires) {
			out = append(out, grant)
		}
	}
	return out
}

func (g *Standing) list(grant Grant) {
	if g.grants == nil {
		g.grants = map[string]Grant{}
	}
	if len(g.grants) < maxStanding {
		g.grants[grant.ID] = grant
	}
}

func (g *Standing) refuse(action event.Action, p *event.ApprovalDecidedPayload) {
	if g.refused == nil {
		g.refused = map[string]refused{}
	}
	if len(g.refused) < maxStanding {
		g.refused[p.ApprovalID] = refused{action, action.Digest(), p.RiskLevel}
	}
}

// addLater folds in what changes approvals after they were given.
func (g *Standing) addLater(payload event.Payload) {
	switch p := payload.(type) {
	case *event.OverrideGrantedPayload:
		r, ok := g.refused[p.ApprovalID]
		if !ok || r.digest != p.Digest || !Overridable(r.risk) || len(g.overrides) >= maxStanding {
			return
		}
		if g.overrides == nil {
			g.overrides = map[string]override{}
		}
		o := override{p.Digest, time.UnixMilli(p.Expires), p.By}
		g.overrides[p.OverrideID] = o
		g.list(Grant{ID: p.OverrideID, Kind: GrantOverride, By: p.By, Expires: o.expires, Action: r.action})
	case *event.OverrideUsedPayload:
		g.revoke(p.OverrideID)
	case *event.GrantRevokedPayload:
		g.revoke(p.Grant)
	}
}

// revoke forgets everything that an approval or an override granted.
func (g *Standing) revoke(id string) {
	delete(g.grants, id)
	delete(g.overrides, id)
	maps.DeleteFunc(g.keys, func(_ key, by granted) bool { return by.approval == id })
	g.held = slices.DeleteFunc(g.held, func(h held) bool { return h.approval == id })
}

// overridden is the override that covers a at a time.
func (g *Standing) overridden(a event.Action, now time.Time) (id string, ok bool) {
	if len(g.overrides) == 0 {
		return "", false
	}
	digest := a.Digest()
	for _, id := range slices.Sorted(maps.Keys(g.overrides)) {
		if o := g.overrides[id]; o.digest == digest && now.Before(o.expires) {
			return id, true
		}
	}
	return "", false
}

// Change records what another process asks for, an override or a revocation, and honours it from the next decision on.
func (g *Gate) Change(ctx context.Context, d event.Draft) ([]event.Receipt, error) {
	receipts, err := g.opts.Stream.RecordAnyway(ctx, d)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.standing.Add(&event.Event{Turn: d.Turn, Payload: d.Payload})
	return receipts, nil
}

// Refused is Standing.Refused of the session as it is now.
func (g *Gate) Refused(approval string) (action event.Action, risk string, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.standing.Refused(approval)
}

// Holds reports whether a grant with that id is in force.
func (g *Gate) Holds(id string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.ContainsFunc(g.standing.Grants(g.opts.Stream.Now()), func(grant Grant) bool { return grant.ID == id })
}

// spend uses up the override that c was allowed by, on the record, before anything else knows of it. When another call was
// faster, c is decided again without it.
func (g *Gate) spend(ctx context.Context, r Request, c *considered) error {
	if c.decision.Reason != policy.ReasonOverridden || c.decision.Source != policy.SourceUser {
		return nil
	}
	id := c.facts.GrantedBy
	g.mu.Lock()
	o, ok := g.standing.overrides[id]
	if ok && g.opts.Stream.Now().Before(o.expires) {
		c.earlier = granted{id, o.by}
		g.standing.revoke(id)
	} else {
		ok = false
	}
	g.mu.Unlock()
	if !ok {
		c.facts.Overridden, c.facts.GrantedBy = false, ""
		c.decision = policy.Decide(c.facts)
		return nil
	}
	_, err := g.opts.Stream.RecordAnyway(ctx, event.Draft{
		Turn: r.Turn, Call: r.CallID, Cause: r.Cause, Actor: event.Policy, Payload: &event.OverrideUsedPayload{OverrideID: id, Digest: o.digest},
	})
	return err
}
