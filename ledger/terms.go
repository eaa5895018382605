package ledger

import (
	"encoding/json"
	"path"
	"strings"

	"proctor/event"
)

// Term is something that an entry can be found by.
type Term struct{ Field, Value string }

// The fields of terms.
const (
	FieldKind     = "kind"
	FieldSession  = "session"
	FieldWord     = "word"     // of a command line
	FieldPath     = "path"     // absolute, and every folder above it
	FieldHost     = "host"     // name or address
	FieldRule     = "rule"     // that decided, as it is named
	FieldDecision = "decision" // allow, forbid, approved, denied, ...
)

// maxTerms bounds what one entry is found by; one that has more is looked at in every search.
const maxTerms = 1024

// terms gathers those of one entry, each once.
type terms struct {
	list []Term
	seen map[Term]bool
	full bool
}

// termsOf lists what an entry can be found by, from its event: without content, what is public; full is false when there are more.
func termsOf(e event.Entry) (list []Term, full bool) {
	t := terms{seen: map[Term]bool{}}
	t.add(FieldKind, string(e.Kind))
	t.add(FieldSession, e.Session)
	if e.Event != nil {
		t.payload(e.Event.Payload)
	}
	return t.list, !t.full
}

func (t *terms) add(field, value string) {
	term := Term{field, value}
	if value == "" || t.seen[term] {
		return
	}
	if len(t.list) == maxTerms {
		t.full = true
		return
	}
	t.seen[term] = true
	t.list = append(t.list, term)
}

func (t *terms) payload(p event.Payload) {
	switch p := p.(type) {
	case *event.ToolDecisionPayload:
		t.add(FieldDecision, p.Decision)
		t.add(FieldDecision, p.Outcome)
		t.add(FieldRule, p.Rule)
		t.action(p.Action)
	case *event.ApprovalRequestedPayload:
		t.add(FieldRule, p.Rule)
		t.action(p.Action)
	case *event.ApprovalDecidedPayload:
		t.add(FieldDecision, p.Status)
	case *event.ApprovalVotedPayload:
		t.add(FieldDecision, p.Vote)
	case *event.PolicyAmendedPayload:
		t.add(FieldRule, p.Rule)
	case *event.ExecStartedPayload:
		var argv []string
		if unseal(p.Argv, &argv) {
			t.command(argv)
		}
		if cwd, ok := p.Cwd.Reveal(); ok {
			t.path(cwd)
		}
	case *event.NetworkPolicyDecisionPayload:
		t.add(FieldDecision, p.Decision)
		t.add(FieldHost, p.Host)
		for _, address := range p.Resolved {
			t.add(FieldHost, address)
		}
		t.add(FieldRule, p.Rule)
	case *event.NetworkClosedPayload:
		t.add(FieldHost, p.Host)
		t.add(FieldHost, p.Dialled)
	case *event.SandboxDenialPayload:
		t.path(p.Path)
		t.add(FieldHost, p.Address)
		t.add(FieldRule, p.Rule)
		t.word(p.Program)
	case *event.FileChangePayload:
		t.path(p.Path)
		t.path(p.MoveTo)
	}
}

func (t *terms) action(sealed event.Sensitive) {
	var a event.Action
	if !unseal(sealed, &a) {
		return
	}
	t.command(a.Argv)
	t.add(FieldHost, a.Host)
	t.path(a.Cwd)
	for _, file := range a.Files {
		t.path(file)
	}
}

// unseal is false for content that was erased.
func unseal(s event.Sensitive, v any) bool {
	text, ok := s.Reveal()
	return ok && text != "" && json.Unmarshal([]byte(text), v) == nil
}

// command adds the words of each argument: a script is one argument with many.
func (t *terms) command(argv []string) {
	for _, arg := range argv {
		t.add(FieldWord, arg)
		for _, w := range strings.FieldsFunc(arg, separates) {
			t.word(w)
		}
	}
}

// separates is true for what stands between words of a shell script.
func separates(r rune) bool { return r <= ' ' || strings.ContainsRune(";|&()<>\"'`$={},", r) }

func (t *terms) word(w string) {
	t.add(FieldWord, w)
	if !strings.Contains(w, "/") {
		return
	}
	t.add(FieldWord, path.Base(w))
	t.path(w)
}

// path adds an absolute path and the folders above it, so that a search for a folder finds all in it.
func (t *terms) path(p string) {
	if !strings.HasPrefix(p, "/") {
		return
	}
	for p = path.Clean(p); ; p = path.Dir(p) {
		t.add(FieldPath, p)
		if p == "/" || t.full {
			return
		}
	}
}
