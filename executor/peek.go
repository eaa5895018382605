package executor

import (
	"bytes"
	"unicode/utf8"
)

// peeked is what an item of the conversation says of itself at first sight: its own fields, without their texts being read.
type peeked struct {
	kind, role, callID, name string
	// Arguments, input and output are the values as they stand in JSON; nil when they are not there.
	arguments, input, output []byte
}

// peek reads the first level of an item that is known to be JSON. Ok is false where only a full decoder tells what it means: escapes
// in names, fields twice, other values than text. It does not check what it passes over.
func peek(item []byte) (p peeked, ok bool) {
	i := blank(item, 0)
	if i >= len(item) || item[i] != '{' {
		return p, false
	}
	var seen [8]bool
	for i = blank(item, i+1); i < len(item) && item[i] == '"'; i = blank(item, i+1) {
		end := text(item, i)
		if end < 0 {
			return p, false
		}
		key := item[i+1 : end-1]
		if i = blank(item, end); i >= len(item) || item[i] != ':' {
			return p, false
		}
		from := blank(item, i+1)
		if i = value(item, from); i < 0 {
			return p, false
		}
		if !p.take(key, item[from:i], &seen) {
			return p, false
		}
		if i = blank(item, i); i >= len(item) || item[i] != ',' {
			break
		}
	}
	return p, i < len(item) && item[i] == '}' && blank(item, i+1) == len(item)
}

var peekedKeys = [8][]byte{
	[]byte("type"), []byte("role"), []byte("call_id"), []byte("name"), []byte("arguments"), []byte("input"), []byte("output"), []byte("content"),
}

// take notes one field; false when it needs a full decoder.
func (p *peeked) take(key, v []byte, seen *[8]bool) bool {
	at := -1
	for k, known := range peekedKeys {
		if bytes.Equal(key, known) {
			at = k
			break
		}
		if len(key) == len(known) && bytes.EqualFold(key, known) { // encoding/json does not mind the case
			return false
		}
	}
	if at < 0 {
		return plainText(key)
	}
	if seen[at] {
		return false
	}
	seen[at] = true
	switch at {
	case 0:
		return word(&p.kind, v)
	case 1:
		return word(&p.role, v)
	case 2:
		return word(&p.callID, v)
	case 3:
		return word(&p.name, v)
	case 4:
		p.arguments = v
		return v[0] == '"'
	case 5:
		p.input = v
		return v[0] == '"'
	case 6:
		p.output = v
	}
	return true
}

// word takes a text that means itself.
func word(to *string, v []byte) bool {
	if len(v) < 2 || v[0] != '"' || !plainText(v) {
		return false
	}
	*to = string(v[1 : len(v)-1])
	return true
}

// plainText: the bytes mean themselves.
func plainText(b []byte) bool {
	for _, c := range b {
		if c == '\\' || c < ' ' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func blank(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// text is the end of the text that begins at i, -1 when it has none.
func text(b []byte, i int) int {
	for j := i + 1; ; {
		k := bytes.IndexByte(b[j:], '"')
		if k < 0 {
			return -1
		}
		j += k
		n := 0
		for b[j-1-n] == '\\' {
			n++
		}
		if j++; n%2 == 0 {
			return j
		}
	}
}

// value is the end of the value that begins at i, -1 when it has none.
func value(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return text(b, i)
	case '{', '[':
		for depth := 0; i < len(b); i++ {
			switch b[i] {
			case '"':
				if i = text(b, i) - 1; i < 0 {
					return -1
				}
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
		return -1
	}
	from := i
	for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ' ' && b[i] != '\n' && b[i] != '\t' && b[i] != '\r' {
		i++
	}
	if i == from {
		return -1
	}
	return i
}
