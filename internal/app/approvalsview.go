package app

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"proctor/event"
	"proctor/internal/cli"
	people "proctor/reviewer/human"
)

// requestJSON is a request as --json prints it.
type requestJSON struct {
	ID        string       `json:"approval_id"`
	Session   string       `json:"session_id"`
	Turn      string       `json:"turn_id,omitempty"`
	Call      string       `json:"call_id,omitempty"`
	Tool      string       `json:"tool_name"`
	Kind      string       `json:"action_kind"`
	Digest    string       `json:"action_digest"`
	Action    event.Action `json:"action"`
	Unread    string       `json:"unreadable,omitempty"`
	Reason    string       `json:"reason"`
	Rule      string       `json:"rule,omitempty"`
	Risk      string       `json:"risk,omitempty"`
	Reviewer  string       `json:"reviewer"`
	Asked     time.Time    `json:"asked_at"`
	Deadline  time.Time    `json:"deadline"`
	Scopes    []string     `json:"scopes"`
	RuleLine  string       `json:"rule_line,omitempty"`
	RuleFile  string       `json:"rule_file,omitempty"`
	Votes     []voteJSON   `json:"votes"`
	Needed    int          `json:"needed,omitempty"` // known from the first vote on
	Status    string       `json:"status"`           // waiting, or how it ended
	Scope     string       `json:"scope,omitempty"`
	DecidedBy string       `json:"decided_by,omitempty"`
}

type voteJSON struct {
	Voter string `json:"voter"`
	Vote  string `json:"vote"`
	Scope string `json:"scope,omitempty"`
	Via   string `json:"via"`
	Why   string `json:"rationale,omitempty"`
}

const statusWaiting = "waiting"

func (a *askedFor) json() requestJSON {
	r := a.Request
	out := requestJSON{
		ID: r.ID, Session: r.Session, Turn: r.Turn, Call: r.Call, Tool: r.Tool, Kind: string(r.Kind), Digest: r.Digest.String(), Action: r.Action,
		Reason: r.Reason, Rule: r.Rule, Risk: people.Risk(r.Action), Reviewer: a.To, Asked: a.At, Deadline: r.Deadline, Scopes: people.Scopes(r),
		Votes: []voteJSON{}, Status: statusWaiting,
	}
	if a.Broken != nil {
		out.Unread, out.Scopes = a.Broken.Error(), []string{}
	}
	if line, ok := people.RuleLine(r); ok {
		out.RuleLine, out.RuleFile = line, r.Amendment.File
	}
	for _, v := range a.Votes {
		why, _ := v.Rationale.Reveal()
		out.Votes = append(out.Votes, voteJSON{v.Voter, v.Vote, v.Scope, v.Via, why})
		out.Needed = v.Needed
	}
	if d := a.Decided; d != nil {
		out.Status, out.Scope, out.DecidedBy = d.Status, d.Scope, d.Reviewer
	}
	return out
}

var scopeWords = map[string]string{
	event.ScopeOnce: "this call, once", event.ScopeSession: "the same action, for the rest of the session", event.ScopeAmendment: "the rule above, always",
}

var permissionWords = map[string]string{
	event.ScopeOnce: "these permissions, for the turn", event.ScopeSession: "these permissions, for the rest of the session",
}

// write shows one request to a person, with everything that an approval would be about.
func (a *askedFor) write(w io.Writer) error {
	text, whole := people.Sheet(a.Request)
	var b strings.Builder
	b.WriteString(text)
	row := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "  %-14s | %s\n", label, cli.Plain(fmt.Sprintf(format, args...)))
	}
	row("approval", "%s", a.Request.ID)
	row("session", "%s", a.Request.Session)
	row("asked", "%s", a.At.Local().Format(time.DateTime))
	for _, v := range a.Votes {
		row("vote", "%s by %s %s", v.Vote, v.Voter, v.Scope)
	}
	switch d := a.Decided; {
	case d != nil:
		row("answered", "%s by %s %s (%s)", d.Status, d.Reviewer, d.Scope, d.Reason)
		if why, _ := d.Rationale.Reveal(); why != "" {
			row("because", "%s", strings.ReplaceAll(why, "\n", " "))
		}
	case a.Broken != nil:
		row("unreadable", "%s: it can only be refused", a.Broken)
	default:
		row("waits until", "%s", a.Request.Deadline.Local().Format(time.DateTime))
		words := scopeWords
		if a.Request.Kind == event.ActionPermissions {
			words = permissionWords
		}
		for _, s := range people.Scopes(a.Request) {
			if whole {
				row("can allow", "%s", words[s])
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// encodeLines writes what view makes of each of list, one JSON object a line.
func encodeLines[T, V any](w io.Writer, list []T, view func(T) V) error {
	enc := json.NewEncoder(w)
	for _, one := range list {
		if err := enc.Encode(view(one)); err != nil {
			return cli.Fail(cli.Failure, err)
		}
	}
	return nil
}

func encode(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return cli.Fail(cli.Failure, enc.Encode(v))
}
