package replay

import (
	"fmt"
	"io"
	"strings"

	"proctor/event"
	"proctor/policy"
)

// WriteWhy prints an explanation for a person.
func WriteWhy(w io.Writer, y Why, o Options) error {
	p := sheet{options: o, paint: palette(o.Color)}
	d := y.Decision
	asked := string(y.Action)
	if len(y.Command) > 0 {
		asked = event.CommandLine(y.Command)
	}
	p.line(p.text(outcomeTone[d.Outcome], string(d.Outcome)) + "  " + p.text(Strong, p.safe(asked, 8)))
	p.line("  because   " + p.safe(join(", ", string(d.Reason), prefixed("rule ", d.Rule), "by "+string(d.Source), confinement(y)), 12))
	if d.Text != "" {
		p.line("  told      " + p.safe(d.Text, 12))
	}
	label := "whole"
	if y.Split {
		label = "part"
	}
	for _, part := range y.Parts {
		p.part(label, part)
	}
	for _, part := range y.Inner {
		p.part("inside", part)
	}
	for _, s := range y.Settings {
		p.line("  setting   " + p.safe(s.Key+" = "+fmt.Sprint(s.Value), 12) + p.text(Dim, "  "+p.safe(place(s), 12)))
	}
	for _, c := range y.Changes {
		p.line("  with      " + p.safe(c.Change, 12) + ": " + p.text(outcomeTone[c.Decision.Outcome], string(c.Decision.Outcome)) +
			p.text(Dim, " ("+p.safe(join(", ", string(c.Decision.Reason), outside(c.Decision)), 12)+")"))
	}
	if r := y.Recorded; r != nil {
		p.recorded(*r)
	}
	if _, err := io.WriteString(w, p.b.String()); err != nil {
		return fmt.Errorf("print explanation: %w", err)
	}
	return nil
}

var outcomeTone = map[policy.Outcome]Tone{policy.Allow: Good, policy.Prompt: Warn, policy.Forbid: Bad}

func (p *sheet) part(label string, part WhyPart) {
	class := string(part.Effective)
	if part.Class != part.Effective {
		class += ", documented " + string(part.Class)
	}
	p.line(fmt.Sprintf("  %-9s ", label) + p.text(Strong, p.safe(event.CommandLine(part.Argv), 12)) + "  " +
		p.text(outcomeTone[part.Outcome], string(part.Outcome)) + p.text(Dim, " ("+p.safe(class+", "+string(part.Reason), 12)+")"))
	for _, f := range part.Findings {
		p.line("            found " + p.safe(join(": ", f.Code, f.Meaning), 18))
	}
	for _, m := range part.Rules {
		where := ""
		if m.File != "" {
			where = fmt.Sprintf("%s:%d", m.File, m.Line)
		}
		p.line("            rule " + p.safe(join("  ", string(m.Decision)+" ["+strings.Join(m.Prefix, " ")+"]", where, m.Justification), 17))
	}
}

func (p *sheet) recorded(r WhyRecorded) {
	tone, verdict := Good, "the recorded facts give the same decision again"
	if !r.Reproduced {
		tone, verdict = Bad, "the recorded facts do NOT give the recorded decision"
	}
	p.line("  recorded  " + p.safe(join(", ", r.Outcome, r.Reason, prefixed("by ", r.By), prefixed("approval ", r.Approval)), 12))
	p.line("            " + p.text(tone, verdict))
	p.line("            " + p.text(Dim, p.safe(fmt.Sprintf("event %s, entry %d, session %s, policy %.16s", r.Event, r.Seq, r.Session, r.Policy), 12)))
}

// confinement says where an allowed command runs.
func confinement(y Why) string {
	if y.Action != policy.ActionExec || y.Decision.Outcome == policy.Forbid {
		return ""
	}
	if y.Decision.BypassSandbox {
		return "outside the sandbox"
	}
	return "in the sandbox (" + string(y.Facts.Sandbox) + ")"
}

func outside(d policy.Decision) string {
	if d.BypassSandbox {
		return "outside the sandbox"
	}
	return ""
}

func place(s WhySetting) string {
	at := s.Layer
	if s.File != "" {
		at = join(" ", at, s.File)
	}
	if s.Line > 0 {
		at += fmt.Sprintf(":%d:%d", s.Line, s.Column)
	}
	return join(", ", at, prefixed("settled by ", s.By))
}
