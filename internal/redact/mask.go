package redact

import (
	"encoding/json"
	"strings"
)

// Mask returns text with what the rules find replaced by [MASKED:rule], and a receipt for each removal. Texts that are
// JSON stay JSON. Only rules that are sure count when sure is set.
func (r *Rules) Mask(field, text string, sure bool, key Key) (string, []Receipt) {
	spans := r.spans(text, sure)
	if len(spans) == 0 {
		return text, nil
	}
	out, receipts := r.cut(field, text, 0, spans, key)
	if c := strings.TrimLeft(text, " \t\r\n"); c != "" && strings.ContainsAny(c[:1], `{["`) && json.Valid([]byte(text)) && !json.Valid([]byte(out)) {
		return r.maskStrings(field, text, sure, key)
	}
	return out, receipts
}

func (r *Rules) spans(text string, sure bool) []span {
	s := newScan(r, sure)
	s.text = text
	return s.take(s.advance(true))
}

// cut replaces spans, whose offsets count from base.
func (r *Rules) cut(field, text string, base int, spans []span, key Key) (string, []Receipt) {
	if len(spans) == 0 {
		return text, nil
	}
	var b strings.Builder
	receipts := make([]Receipt, 0, len(spans))
	at := 0
	for _, f := range spans {
		id := r.rules[f.rule].ID
		b.WriteString(text[at : f.from-base])
		b.WriteString(markOpen + id + markClose)
		at = f.to - base
		receipts = append(receipts, Receipt{Field: field, Rule: id, Bytes: f.to - f.from, Fingerprint: fingerprint(key, text[f.from-base:at])})
	}
	b.WriteString(text[at:])
	return b.String(), receipts
}

// maskStrings masks each string of a JSON text on its own: for rules that took a piece of the syntax with the secret.
func (r *Rules) maskStrings(field, text string, sure bool, key Key) (string, []Receipt) {
	var b strings.Builder
	var receipts []Receipt
	for i := 0; i < len(text); {
		if text[i] != '"' {
			b.WriteByte(text[i])
			i++
			continue
		}
		end := i + 1
		for text[end] != '"' {
			if text[end] == '\\' {
				end++
			}
			end++
		}
		end++
		var s string
		if json.Unmarshal([]byte(text[i:end]), &s) != nil { // unreachable: the text is valid JSON
			s = ""
		}
		masked, own := r.cut(field, s, 0, r.spans(s, sure), key)
		if len(own) > 0 {
			b.WriteString(`"` + quoted(masked) + `"`)
			receipts = append(receipts, own...)
		} else {
			b.WriteString(text[i:end])
		}
		i = end
	}
	return b.String(), receipts
}

// mask masks a field that leaves.
func (p *Policy) mask(field, text string) (string, []Receipt) {
	if p.opts.Level == Full {
		return text, nil
	}
	return p.opts.Rules.Mask(field, text, false, p.opts.Key)
}
