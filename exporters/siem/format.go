package siem

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"proctor/event"
	"proctor/internal/redact"
)

// Formats of a destination.
const (
	NDJSON = "ndjson"
	OCSF   = "ocsf"
	ECS    = "ecs"
	CEF    = "cef"
)

// Formats lists them all.
var Formats = []string{NDJSON, OCSF, ECS, CEF}

// Mapper writes an entry, of which view is what may leave. It is pure.
type Mapper func(event.Entry, redact.View) ([]byte, error)

// mappers write one line without its break.
var mappers = map[string]Mapper{NDJSON: mapEntry, OCSF: mapOCSF, ECS: mapECS, CEF: mapCEF}

// Map writes an entry in a format, one line without its break. The entry must have an event.
func Map(format string, entry event.Entry, policy *redact.Policy) ([]byte, error) {
	if entry.Event == nil {
		return nil, fmt.Errorf("map entry %d: kind %q is not known to this program", entry.Seq, entry.Kind)
	}
	m, ok := mappers[format]
	if !ok {
		return nil, fmt.Errorf("map entry %d: there is no format %q", entry.Seq, format)
	}
	line, err := m(entry, policy.View(entry.Event))
	if err != nil {
		return nil, fmt.Errorf("map entry %d: %w", entry.Seq, err)
	}
	return line, nil
}

// leaves reports whether entries of a kind are mapped at all: pieces of output and of the conversation stay at home.
func leaves(k event.Kind) bool { return k != event.ExecOutput && k != event.HistoryItem }

// fact is an entry as the mappers look at it: the values of its payload by name.
type fact struct {
	event.Entry
	view  redact.View
	about event.CatalogEntry
	by    map[string]any
}

func look(entry event.Entry, view redact.View) fact {
	f := fact{Entry: entry, view: view, by: make(map[string]any, len(view.Values))}
	f.about, _ = event.Lookup(entry.Kind)
	for _, v := range view.Values {
		f.by[v.Name] = v.Any
	}
	return f
}

// text is the first of the fields that is there, as text.
func (f fact) text(names ...string) string {
	for _, n := range names {
		switch v := f.by[n].(type) {
		case string:
			if v != "" {
				return v
			}
		case []string:
			return strings.Join(v, ",")
		case nil:
		default:
			return fmt.Sprint(v)
		}
	}
	return ""
}

func (f fact) number(name string) (int64, bool) {
	n, ok := f.by[name].(int64)
	return n, ok
}

// argv is the command of the entry: its words, and as one line.
func (f fact) argv() ([]string, string) {
	var words []string
	text := f.text("argv")
	if json.Unmarshal([]byte(text), &words) != nil {
		return nil, text
	}
	return words, event.CommandLine(words)
}

// receipts are those of what was masked before recording, and of what was masked now.
func (f fact) receipts() []string {
	var out []string
	if m := f.Event.Masked; m != nil {
		for _, r := range m.Removals {
			out = append(out, r.String())
		}
	}
	for _, r := range f.view.Receipts {
		out = append(out, r.String())
	}
	return out
}

// refused reports whether the entry says that something was not allowed.
func (f fact) refused() bool {
	switch f.Kind {
	case event.ToolDecision:
		return f.text("outcome") == "forbid"
	case event.ApprovalDecided, event.GuardianAssessment:
		return f.text("status") != event.Approved
	case event.NetworkPolicyDecision:
		return f.text("network.policy.decision") != "allow"
	case event.SandboxDenial, event.SandboxOutcome:
		return true
	case event.ToolResult:
		return f.text("status") == "refused"
	default:
		return false
	}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// tree is a JSON object whose members are put by dotted paths. What is empty is left out.
type tree map[string]any

func (t tree) put(path string, v any) tree {
	switch x := v.(type) {
	case nil:
		return t
	case string:
		if x == "" {
			return t
		}
	case []string:
		if len(x) == 0 {
			return t
		}
	}
	at := t
	for {
		name, rest, more := strings.Cut(path, ".")
		if !more {
			at[name] = v
			return t
		}
		next, ok := at[name].(tree)
		if !ok {
			next = tree{}
			at[name] = next
		}
		at, path = next, rest
	}
}

// line writes v as one line of JSON; members of maps are sorted, so that the same entry has the same bytes.
func line(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
