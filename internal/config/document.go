package config

import (
	"bytes"
	"errors"
	"fmt"
	"sort"

	"github.com/pelletier/go-toml/v2"
)

// parseDocument turns the text of one file into nodes that know their place.
// The error is an *Error naming file, line and column with an excerpt.
func parseDocument(data []byte, layer Layer, file string) (*node, error) {
	if len(data) > maxFileBytes {
		return nil, &Error{File: file, Got: fmt.Sprintf("%d bytes", len(data)), Expected: fmt.Sprintf("at most %d", maxFileBytes)}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // some editors write one
	lines := newLineTable(data)
	if off := tooDeep(data); off >= 0 {
		return nil, boundError(lines, file, off)
	}
	pl := newPlaces()
	if off := pl.collect(data); off >= 0 {
		return nil, boundError(lines, file, off)
	}
	var decoded map[string]any
	if err := toml.Unmarshal(data, &decoded); err != nil {
		return nil, syntaxError(err, file)
	}
	if decoded == nil {
		decoded = map[string]any{}
	}
	b := builder{origin: Origin{Layer: layer, File: file}, places: pl, lines: lines}
	return b.build(decoded, 0), nil
}

// parseBuiltIn reads a text of our own, whose places mean nothing to anybody.
func parseBuiltIn(text string) (*node, error) {
	var decoded map[string]any
	if err := toml.Unmarshal([]byte(text), &decoded); err != nil {
		return nil, syntaxError(err, "built-in defaults")
	}
	return buildAt(decoded, Origin{Layer: LayerDefault}), nil
}

func boundError(lines lineTable, file string, off int) error {
	line, col := lines.position(off)
	return &Error{File: file, Line: line, Column: col, Got: "nested too deep, too many values or key too long",
		Expected: fmt.Sprintf("at most %d levels, %d values and %d bytes per key", maxDepth, maxValues, maxKeyBytes)}
}

func syntaxError(err error, file string) error {
	var de *toml.DecodeError
	if !errors.As(err, &de) {
		return &Error{File: file, Err: err}
	}
	line, col := de.Position()
	return &Error{File: file, Line: line, Column: col, Key: formatKeyOrNone(de.Key()),
		Got: "malformed TOML: " + de.Error(), Excerpt: de.String()}
}

func formatKeyOrNone(key toml.Key) string {
	if len(key) == 0 {
		return ""
	}
	return formatKey(key)
}

// lineTable finds line and column of a byte offset.
type lineTable []int // offsets at which lines begin

func newLineTable(data []byte) lineTable {
	t := lineTable{0}
	for i, b := range data {
		if b == '\n' {
			t = append(t, i+1)
		}
	}
	return t
}

func (t lineTable) position(off int) (line, column int) {
	line = sort.SearchInts(t, off+1)
	return line, off - t[line-1] + 1
}
