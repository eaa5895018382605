package redact

import (
	"errors"
	"slices"
)

const (
	maxKeyword = 64
	// maxPrefix is how much of a known value is a keyword; the rest is compared when it is found.
	maxPrefix = 12
)

// automaton finds all keywords in one pass over the bytes, in any case: an Aho-Corasick machine whose table is dense over
// the classes of bytes that keywords tell apart. States from accepting on end at least one keyword.
type automaton struct {
	class     [256]uint8
	shift     uint
	table     []uint16
	accepting uint16
	ends      [][]keyword // by state - accepting
	depth     []uint8     // by state: bytes of a keyword that may have begun
}

// keyword is one that ends in a state: its length, and the rule it belongs to.
type keyword struct {
	length, rule int
}

type node struct {
	next  map[byte]int
	fail  int
	depth int
	ends  []keyword
}

type builder struct {
	nodes []node
}

func newBuilder() *builder { return &builder{nodes: []node{{next: map[byte]int{}}}} }

func fold(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

func (b *builder) add(word string, rule int) {
	at := 0
	for i := range len(word) {
		c := fold(word[i])
		to, ok := b.nodes[at].next[c]
		if !ok {
			to = len(b.nodes)
			b.nodes = append(b.nodes, node{next: map[byte]int{}, depth: i + 1})
			b.nodes[at].next[c] = to
		}
		at = to
	}
	k := keyword{len(word), rule}
	if !slices.Contains(b.nodes[at].ends, k) {
		b.nodes[at].ends = append(b.nodes[at].ends, k)
	}
}

var errTooManyWords = errors.New("too many keywords and known values")

func (b *builder) build() (*automaton, error) {
	if len(b.nodes) > 1<<16-1 {
		return nil, errTooManyWords
	}
	a := &automaton{}
	classes := a.classes(b.nodes)
	for 1<<a.shift < classes {
		a.shift++
	}
	order := b.link()
	// Number the states: those that end nothing first.
	number := make([]uint16, len(b.nodes))
	n := uint16(0)
	for _, accept := range []bool{false, true} {
		if accept {
			a.accepting = n
		}
		for _, s := range order {
			if (len(b.nodes[s].ends) > 0) == accept {
				number[s] = n
				a.depth = append(a.depth, uint8(b.nodes[s].depth)) //nolint:gosec // at most maxKeyword
				if accept {
					a.ends = append(a.ends, b.nodes[s].ends)
				}
				n++
			}
		}
	}
	a.table = make([]uint16, len(b.nodes)<<a.shift)
	for _, s := range order {
		row := int(number[s]) << a.shift
		if s != 0 { // as where it falls back to, which has been filled
			from := int(number[b.nodes[s].fail]) << a.shift
			copy(a.table[row:row+1<<a.shift], a.table[from:from+1<<a.shift])
		}
		for c, to := range b.nodes[s].next {
			a.table[row|int(a.class[c])] = number[to]
		}
	}
	return a, nil
}

// classes gives each byte that stands in a keyword a class of its own, upper case that of lower case.
func (a *automaton) classes(nodes []node) int {
	n := 1
	for _, s := range nodes {
		for c := range s.next {
			if a.class[c] == 0 {
				a.class[c] = uint8(n) // fewer than 256: upper case has none
				n++
			}
		}
	}
	for c := byte('A'); c <= 'Z'; c++ {
		a.class[c] = a.class[fold(c)]
	}
	return n
}

// link finds for each node where the machine goes on after a mismatch, and returns the nodes in breadth-first order.
func (b *builder) link() []int {
	order := []int{0}
	for i := 0; i < len(order); i++ {
		s := order[i]
		keys := make([]byte, 0, len(b.nodes[s].next))
		for c := range b.nodes[s].next {
			keys = append(keys, c)
		}
		slices.Sort(keys)
		for _, c := range keys {
			to := b.nodes[s].next[c]
			fail := 0
			if s != 0 {
				for f := b.nodes[s].fail; ; f = b.nodes[f].fail {
					if next, ok := b.nodes[f].next[c]; ok {
						fail = next
						break
					}
					if f == 0 {
						break
					}
				}
			}
			b.nodes[to].fail = fail
			b.nodes[to].ends = append(b.nodes[to].ends, b.nodes[fail].ends...)
			order = append(order, to)
		}
	}
	return order
}

// run goes over text[from:] and calls hit with the state after a byte that ends a keyword, and the offset behind it.
func (a *automaton) run(state uint16, text string, from int, hit func(ends []keyword, end int)) uint16 {
	table, class, shift, accepting := a.table, &a.class, a.shift, a.accepting
	for i := from; i < len(text); i++ {
		state = table[int(state)<<shift|int(class[text[i]])]
		if state >= accepting {
			hit(a.ends[state-accepting], i+1)
		}
	}
	return state
}
