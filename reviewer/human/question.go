package human

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"proctor/event"
	"proctor/policy"
	"proctor/policy/execrules"
	"proctor/reviewer"
)

// maxShown bounds the text of an action in bytes as it is shown.
const maxShown = 64 << 10

// question is the text to show before the choices; whole is false when the action was cut.
func question(r reviewer.Request) (text string, whole bool) {
	s := sheet{whole: true}
	s.line("", "approval needed: "+visible(r.Tool, 80))
	s.request(r)
	if !s.whole {
		s.b.WriteString("The action is too large to be shown whole; it can only be refused here.\n")
	}
	return s.b.String(), s.whole
}

// request is everything that an approval of r is about.
func (s *sheet) request(r reviewer.Request) {
	s.line("reason", r.Reason)
	s.line("rule", r.Rule)
	s.line("risk", Risk(r.Action))
	a := r.Action
	s.line("folder", a.Cwd)
	s.block("command", event.CommandLine(a.Argv))
	if a.Permissions == event.RequireEscalated {
		s.line("asks", "to run outside the sandbox")
	}
	s.line("variables", strings.Join(a.EnvNames, " "))
	s.block("input", a.Input)
	s.block("files", strings.Join(a.Files, "\n"))
	s.block("patch", a.Patch)
	if a.Host != "" {
		s.line("host", fmt.Sprintf("%s port %d (%s)", a.Host, a.Port, a.Protocol))
	}
	s.line("server", a.Server)
	s.line("runs as", a.Origin)
	if p := a.Additional; p != nil {
		s.line("network", map[bool]string{true: "yes"}[p.Network])
		s.block("read", strings.Join(p.Read, "\n"))
		s.block("write", strings.Join(p.Write, "\n"))
	}
	s.block("arguments", a.Arguments)
	s.block("the agent says", a.Justification)
	if line, ok := ruleLine(r); ok {
		s.block("rule would add", line)
		s.line("to", r.Amendment.File)
	}
	s.line("digest", r.Digest.String())
}

// Sheet is the text of a question, for a person who answers elsewhere; whole is false when the action was cut and can only be refused.
func Sheet(r reviewer.Request) (text string, whole bool) { return question(r) }

// RuleLine is the rule that an approval of scope rule adds, as it is written; false when none is offered.
func RuleLine(r reviewer.Request) (line string, offered bool) { return ruleLine(r) }

// ruleLine is the rule that an approval of scope rule adds, as it is written; false when none is offered.
func ruleLine(r reviewer.Request) (line string, offered bool) {
	switch {
	case r.Amendment.Host != "":
		line, err := execrules.AmendNetwork(r.Amendment.Host, r.Amendment.Protocol, policy.Allow)
		return line, err == nil
	case len(r.Amendment.Prefix) == 0:
		return "", false
	}
	line, err := execrules.Amend(r.Amendment.Prefix)
	return line, err == nil
}

// forSession reports whether an approval for the session counts.
func forSession(r reviewer.Request) bool { return !r.OneShot || r.Kind == event.ActionPermissions }

// choices are the answers that count for a request.
func choices(r reviewer.Request) string {
	once := "y (this once)"
	if r.Kind == event.ActionPermissions {
		once = "y (this turn)"
	}
	words := []string{once}
	if forSession(r) {
		words = append(words, "session")
	}
	if _, offered := ruleLine(r); offered {
		words = append(words, "rule (always)")
	}
	return strings.Join(append(words, "n, n and a reason"), ", ")
}

// sheet collects labelled lines; empty values are left out.
type sheet struct {
	b     strings.Builder
	whole bool
	used  int
}

func (s *sheet) line(label, value string) {
	s.block(label, strings.ReplaceAll(value, "\n", "⟨U+000A⟩"))
}

// block writes a value of several lines, each of them below the label, so that none can pose as a label.
func (s *sheet) block(label, value string) {
	if value == "" {
		return
	}
	if left := maxShown - s.used; len(value) > left {
		value, s.whole = strings.ToValidUTF8(value[:max(left, 0)], "")+" […cut]", false
	}
	s.used += len(value)
	if label == "" {
		s.b.WriteString(value + "\n")
		return
	}
	for i, text := range strings.Split(strings.TrimSuffix(value, "\n"), "\n") {
		if i > 0 {
			label = ""
		}
		fmt.Fprintf(&s.b, "  %-14s | %s\n", label, visible(text, maxShown))
	}
}

// visible writes characters that a terminal would act on, or not show, as ⟨U+XXXX⟩, and bytes that are no
// UTF-8 as ⟨0xXX⟩. strconv.IsPrint leaves out controls, format characters such as bidi overrides, and all
// spaces but the ASCII one.
func visible(text string, limit int) string {
	var b strings.Builder
	for i, r := range text {
		if b.Len() > 8*limit {
			return b.String() + " […cut]"
		}
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD"):
			fmt.Fprintf(&b, "⟨0x%02X⟩", text[i])
		case strconv.IsPrint(r) || r == '\t':
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		}
	}
	return b.String()
}
