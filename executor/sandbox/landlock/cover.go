//go:build linux

package landlock

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"

	"proctor/policy/filesystem"
)

// maxRules bounds a rule set. A folder with very many entries beside a hidden one reaches it.
const maxRules = 1 << 16

// errTooMany means that the exceptions lie among too many files.
var errTooMany = errors.New("too many files beside a path that must stay closed")

// mark opens or closes a path with all below it. The deepest mark decides, at equal depth the closing one.
type mark struct {
	path string
	open bool
}

// entry is one name in a directory. Links need no rule: what they lead to is judged where it lies.
type entry struct {
	name string
	dir  bool
	link bool
	// id tells hard links of one file.
	id string
}

// covering is a set of paths to grant, each with all that is below it, and the directories that are open themselves but
// have something closed below, so that they cannot be granted: they cannot be listed, and what is made in them later
// stays closed.
type covering struct {
	grant    []string
	unlisted []string
}

// cover turns marks into grants, for a mechanism that can only open. list reads a directory; it gives nothing for what is
// none. Pure but for list, and bounded by limit grants.
func cover(marks []mark, list func(dir string) ([]entry, error), limit int) (covering, error) {
	c := coverer{list: list, limit: limit, closed: map[string]bool{}}
	c.marks = slices.Clone(marks)
	slices.SortFunc(c.marks, func(a, b mark) int { return cmp.Compare(a.path, b.path) })
	err := c.visit("/", c.decide("/"))
	slices.Sort(c.out.grant)
	slices.Sort(c.out.unlisted)
	return c.out, err
}

type coverer struct {
	marks []mark
	list  func(string) ([]entry, error)
	limit int
	// closed are the ids of files that must not be granted under another name in a directory that is listed.
	closed map[string]bool
	out    covering
}

// decide is the verdict of the deepest mark over p.
func (c *coverer) decide(p string) bool {
	depth, open := -1, false
	for _, m := range c.marks {
		if d := filesystem.Depth(m.path); filesystem.Within(p, m.path) && (d > depth || d == depth && !m.open) {
			depth, open = d, m.open
		}
	}
	return open
}

// below reports whether a mark of one kind lies strictly below p.
func (c *coverer) below(p string, open bool) bool {
	return slices.ContainsFunc(c.marks, func(m mark) bool {
		return m.path != p && filesystem.Within(m.path, p) && m.open == open && c.decide(m.path) == open
	})
}

func (c *coverer) visit(p string, open bool) error {
	switch {
	case open && !c.below(p, false):
		return c.give(p)
	case open:
		return c.among(p)
	}
	return c.inner(p)
}

// among grants what lies in p one by one.
func (c *coverer) among(p string) error {
	c.out.unlisted = append(c.out.unlisted, p)
	entries, err := c.list(p)
	if err != nil {
		return fmt.Errorf("list %s: %w", p, err)
	}
	if len(entries) > c.limit {
		return fmt.Errorf("%w: %d in %s", errTooMany, len(entries), p)
	}
	for _, e := range entries {
		if !c.decide(path.Join(p, e.name)) && e.id != "" {
			c.closed[e.id] = true
		}
	}
	for _, e := range entries {
		full := path.Join(p, e.name)
		open := c.decide(full)
		if e.link || open && c.closed[e.id] {
			continue
		}
		if err := c.visit(full, open); err != nil {
			return err
		}
	}
	return nil
}

// inner looks for what is open again below the closed p.
func (c *coverer) inner(p string) error {
	var seen []string
	for _, m := range c.marks { // sorted, so a path comes before those below it
		again := slices.ContainsFunc(seen, func(s string) bool { return filesystem.Within(m.path, s) })
		if again || !m.open || m.path == p || !filesystem.Within(m.path, p) || !c.decide(m.path) {
			continue
		}
		seen = append(seen, m.path)
		if err := c.visit(m.path, true); err != nil {
			return err
		}
	}
	return nil
}

func (c *coverer) give(p string) error {
	if len(c.out.grant) >= c.limit {
		return fmt.Errorf("%w: more than %d rules", errTooMany, c.limit)
	}
	c.out.grant = append(c.out.grant, p)
	return nil
}
