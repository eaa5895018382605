package config

import "github.com/pelletier/go-toml/v2/unstable"

// places knows the byte offset at which each key and list element of a document
// was first written. Paths are numbered, so that a long table name costs its
// length once and not once per key.
type places struct {
	ids     map[placeKey]int
	offsets []int       // by id, -1 = unknown
	tables  map[int]int // id of an array of tables to its last index
}

type placeKey struct {
	parent int
	key    string
	index  int // -1 for a key
}

func newPlaces() *places {
	return &places{ids: map[placeKey]int{}, offsets: []int{-1}, tables: map[int]int{}}
}

// find is the id of a key (index -1) or element below parent, -1 = not written.
func (p *places) find(parent int, key string, index int) int {
	if p == nil || parent < 0 {
		return -1
	}
	if id, ok := p.ids[placeKey{parent, key, index}]; ok {
		return id
	}
	return -1
}

// mark is find that also remembers; the first offset stays.
func (p *places) mark(parent int, key string, index, offset int) int {
	k := placeKey{parent, key, index}
	if id, ok := p.ids[k]; ok {
		return id
	}
	p.ids[k] = len(p.offsets)
	p.offsets = append(p.offsets, offset)
	return p.ids[k]
}

// collect walks as far as the text is well formed; the decoder reports the rest.
// It returns the offset of what breaks a bound, or -1.
func (p *places) collect(data []byte) int {
	var parser unstable.Parser
	parser.Reset(data)
	table, depth := 0, 0
	for parser.NextExpression() {
		e := parser.Expression()
		bad := -1
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			table, depth, bad = p.header(e)
		case unstable.KeyValue:
			bad = p.keyValue(e, table, depth)
		}
		if bad >= 0 {
			return bad
		}
	}
	return -1
}

// crowded reports whether the document holds more values than it may.
func (p *places) crowded() bool { return len(p.offsets) > maxValues }

func (p *places) header(e *unstable.Node) (id, depth, bad int) {
	for it := e.Key(); it.Next(); depth++ {
		key := it.Node()
		if depth >= maxDepth || len(key.Data) > maxKeyBytes || p.crowded() {
			return 0, 0, int(key.Raw.Offset)
		}
		id = p.mark(id, string(key.Data), -1, int(key.Raw.Offset))
		last, isArray := p.tables[id]
		if e.Kind == unstable.ArrayTable && it.IsLast() {
			if isArray {
				last++
			}
			p.tables[id], isArray = last, true
		}
		if isArray {
			id = p.mark(id, "", last, int(key.Raw.Offset))
		}
	}
	return id, depth, -1
}

func (p *places) keyValue(e *unstable.Node, parent, depth int) int {
	id := parent
	for it := e.Key(); it.Next(); depth++ {
		key := it.Node()
		if depth >= maxDepth || len(key.Data) > maxKeyBytes || p.crowded() {
			return int(key.Raw.Offset)
		}
		id = p.mark(id, string(key.Data), -1, int(key.Raw.Offset))
	}
	return p.value(e.Value(), id, depth)
}

func (p *places) value(v *unstable.Node, id, depth int) int {
	switch v.Kind {
	case unstable.InlineTable:
		for it := v.Children(); it.Next(); {
			if bad := p.keyValue(it.Node(), id, depth); bad >= 0 {
				return bad
			}
		}
	case unstable.Array:
		for it, i := v.Children(), 0; it.Next(); i++ {
			item := it.Node()
			off := p.offsets[id]
			if item.Raw.Length > 0 {
				off = int(item.Raw.Offset)
			}
			if p.crowded() {
				return max(off, 0)
			}
			if bad := p.value(item, p.mark(id, "", i, off), depth+1); bad >= 0 {
				return bad
			}
		}
	}
	return -1
}
