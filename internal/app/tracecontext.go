package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"maps"
	"regexp"
	"slices"
	"strings"

	"proctor/event"
	"proctor/internal/cli"
	"proctor/internal/config"
)

// traceContext is what the events of a session carry of its trace, W3C Trace Context.
type traceContext struct {
	trace, span string // hexadecimal; span is that of the session
	parent      string // the traceparent that the process was started with, if any
}

var traceparent = regexp.MustCompile(`^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$`)

// newTrace goes on with the trace of TRACEPARENT, or begins one.
func newTrace(env cli.Env) traceContext {
	random := make([]byte, 24)
	_, _ = rand.Read(random) // never fails since Go 1.24
	t := traceContext{trace: hex.EncodeToString(random[:16]), span: hex.EncodeToString(random[16:])}
	given := strings.TrimSpace(env.Getenv("TRACEPARENT"))
	m := traceparent.FindStringSubmatch(given)
	if m == nil || strings.HasPrefix(given, "ff") || strings.Trim(m[1], "0") == "" || strings.Trim(m[2], "0") == "" ||
		strings.HasPrefix(given, "00") && m[3] != "" {
		return t
	}
	t.trace, t.parent = m[1], given[:len("00-")+32+1+16+len("-00")]
	return t
}

// traceOf is the trace that a recorded session has.
func (s *Store) traceOf(ctx context.Context, session string) traceContext {
	first, err := s.Ledger.Session(ctx, session, 1, 1)
	if err != nil || len(first) == 0 || first[0].Event == nil {
		return traceContext{}
	}
	e := first[0].Event
	t := traceContext{trace: e.Trace, span: e.Span}
	if p, ok := e.Payload.(*event.ConversationStartsPayload); ok {
		t.parent = p.TraceParent
	}
	return t
}

// headers are what a request to the model server carries of the trace.
func (t traceContext) headers(env cli.Env, cfg *config.Config) map[string]string {
	out := map[string]string{}
	if t.trace == "" {
		return out
	}
	flags := "01"
	if t.parent != "" {
		flags = t.parent[len(t.parent)-2:]
	}
	out["traceparent"] = "00-" + t.trace + "-" + t.span + "-" + flags
	given := ""
	if t.parent != "" {
		given = env.Getenv("TRACESTATE")
	}
	if state := tracestate(given, cfg.Otel.Tracestate); state != "" {
		out["tracestate"] = state
	}
	return out
}

const (
	maxTracestate        = 512 // bytes that others must pass on
	maxTracestateMembers = 32
)

// tracestate puts the members of [otel] before those that the caller gave, whose members of the same names they replace. Whole members are left
// out at the end where the bounds of W3C Trace Context demand it.
func tracestate(given string, own map[string]map[string]string) string {
	var members []string
	for _, name := range slices.Sorted(maps.Keys(own)) {
		var fields []string
		for _, f := range slices.Sorted(maps.Keys(own[name])) {
			fields = append(fields, f+":"+own[name][f])
		}
		if len(fields) > 0 {
			members = append(members, name+"="+strings.Join(fields, ";"))
		}
	}
	for member := range strings.SplitSeq(given, ",") {
		member = strings.Trim(member, " \t")
		name, _, ok := strings.Cut(member, "=")
		if _, mine := own[name]; ok && !mine && printable(member) {
			members = append(members, member)
		}
	}
	total := 0
	for i, m := range members {
		total += len(m) + min(i, 1)
		if i == maxTracestateMembers || total > maxTracestate {
			members = members[:i]
			break
		}
	}
	return strings.Join(members, ",")
}

// printable reports whether a text may stand in a header.
func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}
