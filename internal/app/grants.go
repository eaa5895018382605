package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"proctor/event"
	"proctor/executor"
	"proctor/executor/approval"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/internal/rulefile"
)

// kindRule is a rule in the person's rules file, beside the kinds of package approval.
const kindRule approval.GrantKind = "rule"

// standing is one line of grants.
type standing struct {
	approval.Grant
	Session string `json:"session_id,omitempty"`
	Running bool   `json:"session_open"`
	Rule    string `json:"rule,omitempty"`
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
}

// grants are everything that was given for more than one call: standing approvals of sessions, overrides, added rules. Those of a closed session
// count again when it is resumed.
func (s *Store) grants(ctx context.Context, cfg *config.Config) (out []standing, err error) {
	given := map[string]bool{} // sessions in which something was approved: no other has a grant
	err = s.eachOfKind(ctx, func(e event.Entry) { given[e.Session] = true }, event.ApprovalDecided, event.PolicyAmended)
	if err != nil {
		return nil, err
	}
	sessions, err := s.Ledger.Sessions(ctx)
	if err != nil {
		return nil, err
	}
	origin := map[string]standing{} // by line
	for _, info := range sessions {
		if !given[info.ID] {
			continue
		}
		var st executor.State
		err := s.EachEntry(ctx, info.ID, 1, func(e event.Entry) error {
			if e.Event == nil {
				return nil
			}
			ev := *e.Event
			ev.Seq = e.SessionSeq
			st = executor.Fold(st, &ev)
			if p, ok := ev.Payload.(*event.PolicyAmendedPayload); ok && p.Status == event.AmendmentInForce {
				origin[p.Rule] = standing{Grant: approval.Grant{ID: p.ApprovalID, Kind: kindRule, By: s.byWhom(ctx, info.ID, p.ApprovalID)}, Session: info.ID}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if st.Start != nil && st.Start.Originator == runOriginator && st.Closed {
			continue // it does not go on
		}
		for _, g := range st.Standing.Grants(time.Now()) {
			if g.Turn != "" && g.Turn != st.Turn {
				continue // its turn is over
			}
			out = append(out, standing{Grant: g, Session: info.ID, Running: !st.Closed})
		}
	}
	rules, err := addedRules(filepath.Join(cfg.CodexHome, "rules", "default.rules"), origin)
	return append(out, rules...), err
}

// byWhom is who gave an approval.
func (s *Store) byWhom(ctx context.Context, session, id string) string {
	if f, err := s.requests(ctx, session); err == nil {
		if a := f.find(id); a != nil && a.Decided != nil {
			return a.Decided.Reviewer
		}
	}
	return ""
}

// addedRules are the rules in the file that approvals add to, with where they came from. A line that no session of this ledger added goes by
// its number.
func addedRules(file string, origin map[string]standing) (out []standing, err error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, rulefile.MaxSize)
	for n := 1; lines.Scan(); n++ {
		text := lines.Text()
		if !strings.HasPrefix(text, "prefix_rule(") && !strings.HasPrefix(text, "network_rule(") {
			continue
		}
		g, known := origin[text]
		if !known {
			g = standing{Grant: approval.Grant{ID: fmt.Sprintf("line:%d", n), Kind: kindRule}}
		}
		g.Rule, g.File, g.Line = text, file, n
		out = append(out, g)
	}
	return out, lines.Err()
}

// ListGrants prints what stands.
func ListGrants(ctx context.Context, env cli.Env, s *Store, cfg *config.Config, asJSON bool) error {
	list, err := s.grants(ctx, cfg)
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	if asJSON {
		return encodeLines(env.Stdout, list, func(g standing) standing { return g })
	}
	if len(list) == 0 {
		_, _ = fmt.Fprintln(env.Stderr, "proctor: nothing is granted for more than one call")
		return nil
	}
	table := tabwriter.NewWriter(env.Stdout, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "GRANT\tKIND\tBY\tUNTIL\tWHAT")
	for _, g := range list {
		what, until := summaryOf(g.Action), "session "+g.Session
		switch {
		case g.Kind == kindRule:
			what, until = g.Rule, fmt.Sprintf("removed from %s:%d", g.File, g.Line)
		case g.Turn != "":
			until = "end of its turn"
		case !g.Expires.IsZero():
			until = g.Expires.Local().Format(time.DateTime)
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", g.ID, g.Kind, cli.Plain(or(g.By, "unknown")), cli.Plain(until), cli.Plain(shorten(what, 96)))
	}
	return cli.Fail(cli.Failure, table.Flush())
}

// RevokeGrant takes one grant back. The record comes first.
func RevokeGrant(ctx context.Context, env cli.Env, s *Store, cfg *config.Config, id string, o Answer) error {
	by, err := o.by(env)
	if err != nil {
		return err
	}
	list, err := s.grants(ctx, cfg)
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	var found []standing
	for _, g := range list {
		if g.ID == id || len(id) >= minPrefix && g.Kind != kindRule && strings.HasPrefix(g.ID, id) {
			found = append(found, g)
		}
	}
	switch {
	case len(found) == 0:
		return cli.Fail(cli.Failure, fmt.Errorf("grant %q: %w", cli.Plain(shorten(id, 64)), errNoGrant))
	case len(found) > 1:
		return cli.Fail(cli.Failure, fmt.Errorf("grant %q: %d grants begin so; give more of the id", cli.Plain(id), len(found)))
	}
	g := found[0]
	p := &event.GrantRevokedPayload{Grant: g.ID, By: by, Rule: g.Rule, File: g.File, Rationale: event.Secret(o.Why)}
	if g.Kind == kindRule {
		err = s.revokeRule(ctx, g, p)
	} else {
		err = s.into(ctx, g.Session, event.Draft{ID: event.NewID(), Actor: event.User, Payload: p}, func(*executor.State) error { return nil })
	}
	if err != nil {
		return cli.Fail(cli.Failure, fmt.Errorf("revoke %s: %w", g.ID, err))
	}
	if o.JSON {
		return encode(env.Stdout, p)
	}
	_, _ = fmt.Fprintf(env.Stdout, "%s: revoked\n", g.ID)
	return nil
}

// revokeRule records the end of a rule among what belongs to no run, since it is of no session, and removes exactly its line. Runs
// that loaded it keep it to their end.
func (s *Store) revokeRule(ctx context.Context, g standing, p *event.GrantRevokedPayload) error {
	entry, _ := event.Lookup(p.Kind())
	pending, err := s.Bus.Submit(ctx, &event.Event{
		ID: event.NewID(), Kind: p.Kind(), Schema: entry.Schema, Session: SystemSession, Time: time.Now().UTC().Truncate(time.Microsecond), Actor: event.User, Payload: p,
	})
	if err != nil {
		return err
	}
	if _, err := pending.Wait(ctx); err != nil {
		return err
	}
	removed, err := rulefile.Remove(ctx, g.File, g.Rule)
	if err == nil && !removed {
		err = fmt.Errorf("the line is not in %s any more", g.File)
	}
	return err
}
