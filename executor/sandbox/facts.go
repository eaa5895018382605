package sandbox

import (
	"fmt"
	"os"
	"path/filepath"

	"proctor/policy/filesystem"
)

// Plan gathers the facts for r from the disk and resolves it.
func Plan(r filesystem.Request) (filesystem.Plan, error) {
	facts, err := Gather(r)
	if err != nil {
		return filesystem.Plan{}, err
	}
	return filesystem.Resolve(r, facts)
}

// Gather looks at every path that a rule of r names, at the protected names in writable roots, at what stands under denied
// patterns and at files with several names. Missing paths are facts, not errors; a path that cannot be examined is an error.
func Gather(r filesystem.Request) (filesystem.Facts, error) {
	g := gathering{asked: map[string]bool{}, shared: map[inode]*filesystem.Shared{}}
	for _, rule := range r.Rules() {
		if rule.Glob {
			if err := g.addGlob(rule.Path); err != nil {
				return filesystem.Facts{}, err
			}
			continue
		}
		if err := g.place(rule); err != nil {
			return filesystem.Facts{}, fmt.Errorf("examine %q: %w", rule.Path, err)
		}
	}
	if err := g.survey(r); err != nil {
		return filesystem.Facts{}, err
	}
	return g.facts, nil
}

// gathering collects facts.
type gathering struct {
	facts filesystem.Facts
	asked map[string]bool
	// roots are writable folders, closed are paths that a rule makes something else, both canonical.
	roots, closed []string
	globs         filesystem.GlobSet
	shared        map[inode]*filesystem.Shared
}

// inode is a file whatever its name.
type inode struct{ device, number uint64 }

func (g *gathering) place(rule filesystem.Rule) error {
	first := !g.asked[rule.Path]
	g.asked[rule.Path] = true
	if !first { // the weaker of two rules about one path
		return nil
	}
	f, err := locate(rule.Path)
	if err != nil {
		return err
	}
	switch {
	case rule.Access != filesystem.AccessWrite:
		g.closed = append(g.closed, f.Path)
		if rule.Access == filesystem.AccessDeny && f.Kind == filesystem.File {
			g.noteDenied(f.Path)
		}
	case f.Kind == filesystem.Dir && f.Path != "/":
		g.roots = append(g.roots, f.Path)
		for _, name := range filesystem.ProtectedNames() {
			e, err := gatherFound(filepath.Join(f.Path, name))
			if err != nil {
				return fmt.Errorf("protected name %s: %w", name, err)
			}
			f.Entries = append(f.Entries, e)
		}
	}
	g.facts.Places = append(g.facts.Places, f)
	return nil
}

// locate says where asked really is.
func locate(asked string) (filesystem.PlaceFacts, error) {
	f := filesystem.PlaceFacts{Asked: asked, Path: asked}
	if !filepath.IsAbs(asked) {
		f.Kind = filesystem.Missing // Resolve refuses it
		return f, nil
	}
	way, rest, err := walk(asked)
	if err != nil {
		return f, err
	}
	final := way[len(way)-1]
	for _, step := range way[:len(way)-1] {
		target, err := os.Readlink(step.Path)
		if err != nil {
			return f, err
		}
		f.Links = append(f.Links, filesystem.Link{Path: step.Path, Target: target})
	}
	f.Path, f.Kind = final.Path, final.Kind
	if len(rest) > 0 || final.Kind == filesystem.Symlink { // missing further up, or a loop of links
		f.Path, f.Kind = filepath.Join(append([]string{final.Path}, rest...)...), filesystem.Missing
	}
	return f, nil
}
