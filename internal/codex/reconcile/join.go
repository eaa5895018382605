package reconcile

// group is one call, as all sources tell of it.
type group struct {
	id string
	by map[Source]Call
}

func (g *group) class() Class {
	class := Class("")
	for _, c := range g.by {
		switch {
		case c.Class == Patch:
			return Patch
		case class == "" || class == Other:
			class = c.Class
		}
	}
	return class
}

func (g *group) ran() bool {
	for _, c := range g.by {
		if c.Ran {
			return true
		}
	}
	return false
}

// does reports whether a call of another source may be this one.
func (g *group) does(c Call) bool {
	if c.What == "" || g.class() != c.Class {
		return false
	}
	for _, own := range g.by {
		if own.What == c.What {
			return true
		}
	}
	return false
}

// join puts calls together: by id, then those without a counterpart by what they do, the first to the first.
func join(all []Told) []*group {
	var groups []*group
	byID := map[string]*group{}
	for _, t := range all {
		if t.Source == Stream {
			continue
		}
		for _, c := range t.Calls {
			g := byID[c.ID]
			if g == nil {
				g = &group{id: c.ID, by: map[Source]Call{}}
				byID[c.ID] = g
				groups = append(groups, g)
			}
			g.by[t.Source] = c
		}
	}
	for i := 0; i < len(groups); i++ {
		if own, alone := groups[i].by[Hooks]; alone && len(groups[i].by) == 1 && adopt(groups, groups[i], Hooks, own) {
			groups = append(groups[:i], groups[i+1:]...)
			i--
		}
	}
	for _, t := range all {
		if t.Source != Stream {
			continue
		}
		for _, c := range t.Calls {
			if !adopt(groups, nil, Stream, c) {
				groups = append(groups, &group{id: c.ID, by: map[Source]Call{Stream: c}})
			}
		}
	}
	return groups
}

// adopt gives a call to the first group that does the same and lacks its source.
func adopt(groups []*group, not *group, w Source, c Call) bool {
	for _, g := range groups {
		if _, told := g.by[w]; g != not && !told && g.does(c) {
			g.by[w] = c
			return true
		}
	}
	return false
}
