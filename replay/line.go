package replay

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"proctor/event"
)

// Printer prints entries one a line, as they come: time since the first, number in the session, kind,
// call, and what the entry says.
type Printer struct {
	w     io.Writer
	sheet sheet
	start map[string]time.Time // of the first entry of each session seen
}

// maxSessions bounds how many sessions a Printer knows the start of; a session beyond it starts anew.
const maxSessions = 1024

// NewPrinter makes a Printer.
func NewPrinter(w io.Writer, o Options) *Printer {
	return &Printer{w: w, sheet: sheet{options: o, paint: palette(o.Color)}, start: map[string]time.Time{}}
}

// Print prints one entry, or nothing when its kind is filtered out.
func (p *Printer) Print(e event.Entry) error {
	start, ok := p.start[e.Session]
	if !ok {
		if len(p.start) == maxSessions {
			clear(p.start)
		}
		start = when(e)
		p.start[e.Session] = start
	}
	if len(p.sheet.options.Kinds) > 0 && !slices.Contains(p.sheet.options.Kinds, e.Kind) {
		return nil
	}
	at := fmt.Sprintf("%*s", timeWidth, fmt.Sprintf("%+.3fs", when(e).Sub(start).Seconds()))
	text, tone := Line(e)
	head := fmt.Sprintf("%s %5s %-28s ", at, fmt.Sprintf("#%d", e.SessionSeq), Escape(string(e.Kind)))
	line := p.sheet.text(Dim, head) + p.sheet.text(tone, p.sheet.safe(text, len(head)))
	if _, err := io.WriteString(p.w, line+"\n"); err != nil {
		return fmt.Errorf("print entry %d of session %s: %w", e.SessionSeq, e.Session, err)
	}
	return nil
}

// Line says in one line what an entry tells. The text is as recorded: [Escape] it.
func Line(e event.Entry) (string, Tone) {
	if e.Event == nil {
		return "written by another version of proctor", Warn
	}
	text, tone := phrase(e.Event.Payload)
	return join("  ", e.Event.Call, text), tone
}

func phrase(payload event.Payload) (string, Tone) {
	switch p := payload.(type) {
	case *event.ToolDecisionPayload:
		text, tone := decisionText(p)
		asked, _ := actionText(reveal(p.Action))
		return join("  ", text, p.ToolName, asked), tone
	case *event.ApprovalRequestedPayload:
		asked, _ := actionText(reveal(p.Action))
		return join("  ", join(", ", p.Reviewer, p.Reason, prefixed("rule ", p.Rule)), p.ToolName, asked), Plain
	case *event.ApprovalDecidedPayload:
		text, tone := approvalText(p)
		return join("  ", text, reveal(p.Rationale)), tone
	case *event.ExecStartedPayload:
		return join("  ", join(", ", p.Backend, p.Mode, prefixed("network ", p.Network)), commandText(reveal(p.Argv))), Plain
	case *event.SandboxDenialPayload:
		return denialText(p), Bad
	case *event.NetworkPolicyDecisionPayload:
		return networkText(p)
	case *event.NetworkClosedPayload:
		return closedText(p), Plain
	case *event.FileChangePayload:
		return fileText(p), Plain
	case *event.ToolResultPayload:
		c := call{}
		c.end(p)
		return join("  ", c.result, p.ToolName, c.asked), c.tone
	case *event.TurnCompletedPayload:
		return join(", ", p.Status, took(p.Duration), usage(p.Usage), reveal(p.Error)), statusTone(p.Status)
	}
	if r, ok := rowOf(payload); ok {
		return r.String(), r.tone
	}
	return fields(payload), Plain
}

// fields lists the fields of a payload that have a value, in their order.
func fields(p event.Payload) string {
	v := reflect.ValueOf(p)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return ""
	}
	var parts []string
	for _, f := range event.Fields(p) {
		field := v.Elem().FieldByIndex(f.Index)
		if field.IsZero() {
			continue
		}
		parts = append(parts, f.Name+"="+fieldText(field.Interface()))
	}
	return strings.Join(parts, " ")
}

func fieldText(v any) string {
	switch v := v.(type) {
	case event.Sensitive:
		return reveal(v)
	case string:
		return v
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return strings.Trim(string(b), `"`)
}
