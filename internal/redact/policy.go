package redact

import (
	"strings"

	"proctor/event"
)

// Texts that stand where something was removed.
const (
	redacted = "[REDACTED]"
	erased   = "[ERASED]"
)

// Options of a policy. The zero value exports no prompt, no answer and no rationale,
// and tool content with secrets masked.
type Options struct {
	LogUserPrompt          bool
	LogAgentResponses      bool
	LogGuardianAssessments bool // rationales of reviewers
	DropToolContent        bool // arguments, outputs, commands, patches do not leave at all
	MaxOutput              int  // bytes of tool output that leave; 0 means DefaultMaxOutput
	// Key of the fingerprints in receipts; without one there are none.
	Key Key
	// Rules find secrets; nil takes Standard.
	Rules *Rules
	// Level is what the destination may have; empty is Redacted.
	Level Level
}

// Level is what a destination may have of sensitive texts.
type Level string

// The levels.
const (
	Full         Level = "full"     // all that is recorded, as it is recorded
	Redacted     Level = "redacted" // what the other options let leave, with secrets masked
	MetadataOnly Level = "metadata" // none
)

// Policy applies Options to events.
type Policy struct {
	opts  Options
	plans map[event.Kind][]event.Field
}

// New makes a policy. It reads no file and keeps opts.Key.
func New(opts Options) *Policy {
	if opts.MaxOutput <= 0 {
		opts.MaxOutput = DefaultMaxOutput
	}
	if opts.Rules == nil {
		opts.Rules = Standard()
	}
	p := &Policy{opts: opts, plans: map[event.Kind][]event.Field{}}
	for _, c := range event.Catalog() {
		p.plans[c.Kind] = event.Fields(c.Payload)
	}
	return p
}

// open reports whether texts of a class may leave, masked.
func (p *Policy) open(c class) bool {
	switch p.opts.Level {
	case Full:
		return true
	case MetadataOnly:
		return false
	case Redacted:
	}
	switch c {
	case prompt:
		return p.opts.LogUserPrompt
	case answer:
		return p.opts.LogAgentResponses
	case rationale:
		return p.opts.LogGuardianAssessments
	case tool, output:
		return !p.opts.DropToolContent
	case plain:
		return true
	default:
		return false
	}
}

// released is what leaves of one sensitive text.
type released struct {
	text     string
	leaves   bool
	cut      bool
	receipts []Receipt
}

// release decides about one sensitive field.
func (p *Policy) release(kind event.Kind, field string, s event.Sensitive) released {
	c := classes[kind][field]
	if s.IsZero() {
		return released{leaves: required[kind][field]}
	}
	if c == kept && p.opts.Level != Full {
		return released{receipts: []Receipt{{Field: field, Rule: ruleKept, Bytes: s.Len()}}}
	}
	text, ok := s.Reveal()
	if !ok {
		return released{text: erased, leaves: true, receipts: []Receipt{{Field: field, Rule: ruleErased, Bytes: s.Len()}}}
	}
	if !p.open(c) {
		r := Receipt{Field: field, Rule: gateRules[c], Bytes: len(text), Fingerprint: fingerprint(p.opts.Key, text)}
		return released{text: redacted, leaves: true, receipts: []Receipt{r}}
	}
	out, receipts := p.mask(field, scanned(text))
	limit := maxText
	if c == output && p.opts.Level != Full {
		limit = p.opts.MaxOutput
	}
	res := released{text: out, leaves: true, receipts: receipts}
	if beyond := len(text) > maxScan; beyond || len(out) > limit {
		res.text, res.cut = shorten(c, out, limit), true
		dropped := len(out) - min(len(out), limit) + len(text) - len(scanned(text))
		res.receipts = append(res.receipts, Receipt{Field: field, Rule: ruleCut, Bytes: dropped})
	}
	res.text = strings.ToValidUTF8(res.text, "\uFFFD")
	return res
}

// shorten marks the cut, except in answers and rationales, where the CLI only sets a flag.
func shorten(c class, s string, limit int) string {
	if c == answer || c == rationale {
		return head(s, limit)
	}
	return preview(s, limit)
}
