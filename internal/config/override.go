package config

import (
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// overrideFile stands for the file in the origin of a -c flag.
const overrideFile = "-c"

// parseOverride reads KEY=VALUE of a -c flag into a table of its own. KEY is a
// TOML dotted key; VALUE is TOML, and text as it stands when it is not.
func parseOverride(arg string) (*node, error) {
	if len(arg) > maxOverrideBytes {
		return nil, &Error{File: overrideFile, Got: fmt.Sprintf("%d bytes", len(arg)), Expected: fmt.Sprintf("at most %d", maxOverrideBytes)}
	}
	eq := keyEnd(arg)
	if eq < 0 {
		return nil, &Error{File: overrideFile, Got: shown(arg), Expected: "KEY=VALUE",
			Hint: `for example -c sandbox_mode="read-only"`}
	}
	segs, err := splitKey(arg[:eq])
	if err != nil {
		return nil, &Error{File: overrideFile, Key: shown(strings.TrimSpace(arg[:eq])), Err: err, Expected: "a dotted key before ="}
	}
	o := Origin{Layer: LayerFlag, File: overrideFile}
	value, err := parseOverrideValue(arg[eq+1:], o)
	if err != nil {
		return nil, &Error{File: overrideFile, Key: formatKey(segs), Err: err}
	}
	root := newTable(o)
	root.put(value, segs...)
	return root, nil
}

// keyEnd is the index of the first = outside of quotes, -1 = none.
func keyEnd(s string) int {
	var quote byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == '\\' && quote == '"' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '=':
			return i
		}
	}
	return -1
}

// splitKey reads a dotted key. Segments that TOML would want quoted, such as
// the / of a path, are taken as they are.
func splitKey(key string) ([]string, error) {
	key = strings.TrimSpace(key)
	var segs []string
	for rest, more := key, true; more; {
		var seg string
		var err error
		if seg, rest, more, err = nextSegment(rest); err != nil {
			return nil, err
		}
		if segs = append(segs, seg); len(segs) > maxDepth || len(seg) > maxKeyBytes {
			return nil, fmt.Errorf("more than %d segments, or one above %d bytes", maxDepth, maxKeyBytes)
		}
	}
	return segs, nil
}

func nextSegment(s string) (seg, rest string, more bool, err error) {
	s = strings.TrimLeft(s, " \t")
	if s == "" {
		return "", "", false, fmt.Errorf("empty key segment")
	}
	if s[0] != '"' && s[0] != '\'' {
		seg, rest, more = strings.Cut(s, ".")
		if seg = strings.TrimSpace(seg); seg == "" || strings.ContainsAny(seg, "\x00\n\r\"'") {
			return "", "", false, fmt.Errorf("bad key segment %q", seg)
		}
		return seg, rest, more, nil
	}
	end := stringEnd([]byte(s))
	var one struct{ V string }
	if uerr := toml.Unmarshal([]byte("V = "+s[:end]), &one); uerr != nil || strings.ContainsRune(one.V, 0) {
		return "", "", false, fmt.Errorf("bad quoted key segment %s", shown(s[:end]))
	}
	rest = strings.TrimLeft(s[end:], " \t")
	if rest == "" {
		return one.V, "", false, nil
	}
	if rest[0] != '.' {
		return "", "", false, fmt.Errorf("%s after a quoted key segment", shown(rest))
	}
	return one.V, rest[1:], true, nil
}

func parseOverrideValue(text string, o Origin) (*node, error) {
	doc := []byte("x = " + strings.TrimSpace(text))
	if tooDeep(doc) >= 0 {
		return nil, fmt.Errorf("value nested deeper than %d levels", maxDepth)
	}
	if newPlaces().collect(doc) >= 0 {
		return nil, fmt.Errorf("value nested deeper than %d levels, with more than %d values or a key above %d bytes", maxDepth, maxValues, maxKeyBytes)
	}
	var decoded map[string]any
	err := toml.Unmarshal(doc, &decoded)
	v, ok := decoded["x"]
	if err != nil || !ok || len(decoded) != 1 { // more than x: the text holds a line break and further keys
		return &node{val: strings.Trim(strings.TrimSpace(text), `"'`), origin: o}, nil
	}
	return buildAt(v, o), nil
}

// shown quotes what a person typed, bounded.
func shown(s string) string {
	if len(s) > maxTextShown {
		return fmt.Sprintf("%q… (%d bytes)", s[:maxTextShown], len(s))
	}
	return fmt.Sprintf("%q", s)
}
