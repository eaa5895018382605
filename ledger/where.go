package ledger

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"proctor/event"
)

// Condition is one thing that an entry must be.
type Condition struct {
	Field, Op, Value string
	at               time.Time // of field time
}

// Query is a list of conditions; an entry must be all of them.
type Query []Condition

const fieldTime = "time"

var (
	termFields = []string{FieldKind, FieldSession, FieldWord, FieldPath, FieldHost, FieldRule, FieldDecision}
	// longer ones first
	operators = []string{"!=", ">=", "<=", "=", ">", "<", "~"}
)

// ParseQuery reads conditions such as
//
//	word = curl and host = example.com time >= 2026-11-01
//
// FIELD is kind, session, word, path, host, rule, decision or time. OP is = (has it), != (has none that is it), ~ (has
// one that contains it, whatever the case), for time < <= > >=. VALUE may be quoted. A time is a date, RFC 3339, or, as age says, so long
// before now. "and" may stand between conditions.
func ParseQuery(text string, now time.Time, age func(string) (time.Duration, error)) (Query, error) {
	var q Query
	rest := strings.TrimSpace(text)
	for rest != "" {
		if word, after, ok := strings.Cut(rest, " "); ok && len(q) > 0 && strings.EqualFold(word, "and") {
			rest = strings.TrimSpace(after)
		}
		var c Condition
		var err error
		if c, rest, err = parseCondition(rest); err == nil {
			err = c.check(now, age)
		}
		if err != nil {
			return nil, fmt.Errorf("condition %d of %q: %w", len(q)+1, text, err)
		}
		q = append(q, c)
		if len(q) > maxConditions {
			return nil, fmt.Errorf("%q has more than %d conditions", text, maxConditions)
		}
	}
	if len(q) == 0 {
		return nil, fmt.Errorf("a search needs a condition, such as word = curl")
	}
	return q, nil
}

const maxConditions = 32

func parseCondition(rest string) (c Condition, after string, err error) {
	n := strings.IndexFunc(rest, func(r rune) bool { return r < 'a' || r > 'z' })
	if n < 0 {
		n = len(rest)
	}
	c.Field, rest = rest[:n], strings.TrimSpace(rest[n:])
	if c.Field != fieldTime && !slices.Contains(termFields, c.Field) {
		return c, "", fmt.Errorf("expected a field, one of %s, %s, at %q", strings.Join(termFields, ", "), fieldTime, rest)
	}
	i := slices.IndexFunc(operators, func(op string) bool { return strings.HasPrefix(rest, op) })
	if i < 0 {
		return c, "", fmt.Errorf("expected one of %s after %s, at %q", strings.Join(operators, " "), c.Field, rest)
	}
	c.Op = operators[i]
	rest = strings.TrimSpace(rest[len(c.Op):])
	if rest == "" {
		return c, "", fmt.Errorf("expected a value after %s %s", c.Field, c.Op)
	}
	if quote := rest[0]; quote == '"' || quote == '\'' {
		end := strings.IndexByte(rest[1:], quote)
		if end < 0 {
			return c, "", fmt.Errorf("the quote at %q does not end", rest)
		}
		c.Value, rest = rest[1:1+end], rest[2+end:]
	} else {
		end := strings.IndexAny(rest, " \t\n")
		if end < 0 {
			end = len(rest)
		}
		c.Value, rest = rest[:end], rest[end:]
	}
	return c, strings.TrimSpace(rest), nil
}

// check completes a condition.
func (c *Condition) check(now time.Time, age func(string) (time.Duration, error)) error {
	ordered := strings.ContainsAny(c.Op, "<>")
	if ordered != (c.Field == fieldTime) {
		return fmt.Errorf("%s goes with %s", c.Field, map[bool]string{true: "= != ~", false: "< <= > >="}[ordered])
	}
	switch c.Field {
	case fieldTime:
		return c.parseTime(now, age)
	case FieldKind:
		if c.Op != "~" {
			c.Value = fullKind(c.Value)
		}
	case FieldPath:
		if c.Op != "~" && !strings.HasPrefix(c.Value, "/") {
			return fmt.Errorf("path %q is not absolute", c.Value)
		}
		if len(c.Value) > 1 {
			c.Value = strings.TrimRight(c.Value, "/")
		}
	}
	if c.Value == "" {
		return fmt.Errorf("the value of %s is empty", c.Field)
	}
	return nil
}

func fullKind(name string) string {
	if !strings.Contains(name, ".") {
		for _, family := range []string{"proctor.", "codex."} {
			if _, ok := event.Lookup(event.Kind(family + name)); ok {
				return family + name
			}
		}
	}
	return name
}

func (c *Condition) parseTime(now time.Time, age func(string) (time.Duration, error)) error {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, c.Value, time.Local); err == nil {
			c.at = t
			return nil
		}
	}
	if d, err := age(c.Value); err == nil && d > 0 {
		c.at = now.Add(-d)
		return nil
	}
	return fmt.Errorf("time %q: expected 2026-11-01, 2026-11-01T12:30, RFC 3339, or an age such as 2h", c.Value)
}

// matches decides about one entry.
func (q Query) matches(e event.Entry) bool {
	var list []Term
	for _, c := range q {
		if c.Field == fieldTime {
			if !c.holds(e.Received) {
				return false
			}
			continue
		}
		if list == nil {
			list, _ = termsOf(e)
		}
		if slices.ContainsFunc(list, c.fits) == (c.Op == "!=") {
			return false
		}
	}
	return true
}

// kindsWith are the kinds that payload makes terms of, for the fields that few kinds have.
var kindsWith = map[string][]event.Kind{
	FieldWord:     {event.ToolDecision, event.ApprovalRequested, event.ExecStarted, event.SandboxDenial},
	FieldPath:     {event.ToolDecision, event.ApprovalRequested, event.ExecStarted, event.SandboxDenial, event.FileChange},
	FieldHost:     {event.ToolDecision, event.ApprovalRequested, event.NetworkPolicyDecision, event.NetworkClosed, event.SandboxDenial},
	FieldRule:     {event.ToolDecision, event.ApprovalRequested, event.PolicyAmended, event.NetworkPolicyDecision, event.SandboxDenial},
	FieldDecision: {event.ToolDecision, event.ApprovalDecided, event.ApprovalVoted, event.NetworkPolicyDecision},
}

// withTerms are the kinds of all fields.
var withTerms = func() map[event.Kind]bool {
	all := map[event.Kind]bool{}
	for _, kinds := range kindsWith {
		for _, k := range kinds {
			all[k] = true
		}
	}
	return all
}()

// rejects is true for stored entries that cannot fit, by their envelope. It is quick, and false when in doubt.
func (q Query) rejects(raw []byte) bool {
	s, err := parseEntry(raw)
	if err != nil {
		return false
	}
	h, ok := scanHead(s.public)
	for _, c := range q {
		switch {
		case c.Field == fieldTime:
			if !c.holds(s.received) {
				return true
			}
		case !ok || c.Op == "!=":
		case c.Field == FieldKind:
			if !c.fits(Term{FieldKind, string(h.Kind)}) {
				return true
			}
		case c.Field == FieldSession:
			if !c.fits(Term{FieldSession, h.Session}) {
				return true
			}
		case !slices.Contains(kindsWith[c.Field], h.Kind):
			return true
		}
	}
	return false
}

// fits reports whether one term is what the condition names; whether that is wanted is another matter.
func (c Condition) fits(t Term) bool {
	switch {
	case t.Field != c.Field:
		return false
	case c.Op == "~":
		return strings.Contains(strings.ToLower(t.Value), strings.ToLower(c.Value))
	}
	return t.Value == c.Value
}

func (c Condition) holds(t time.Time) bool {
	n := t.Compare(c.at)
	switch c.Op {
	case "<":
		return n < 0
	case "<=":
		return n <= 0
	case ">":
		return n > 0
	}
	return n >= 0
}

// excludes reports whether no entry of a run can fit, by its times.
func (q Query) excludes(m runMeta) bool {
	for _, c := range q {
		if c.Field != fieldTime {
			continue
		}
		if bound := map[bool]time.Time{true: m.oldest, false: m.newest}[c.Op[0] == '<']; !c.holds(bound) {
			return true
		}
	}
	return false
}
