package seatbelt

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"proctor/executor/sandbox"
	"proctor/policy/filesystem"
)

// Program is the launcher of macOS; it takes "-p", the profile, "--" and the command.
const Program = "/usr/bin/sandbox-exec"

// Profile is the profile that enforces p. Plans without confinement and network modes other than off and on are refused.
func Profile(p filesystem.Plan) (string, error) {
	if err := p.Validate(); err != nil {
		return "", err
	}
	switch {
	case p.Unconfined:
		return "", fmt.Errorf("%w: an unconfined plan has no Seatbelt profile", sandbox.ErrUnsupported)
	case p.Network != filesystem.NetworkOff && p.Network != filesystem.NetworkOn:
		return "", fmt.Errorf("%w: network mode %s has no Seatbelt profile", sandbox.ErrUnsupported, p.Network)
	case len(p.DeniedGlobs) > 0:
		return "", fmt.Errorf("%w: patterns of denied paths (%s, ...) are not translated to Seatbelt; list the paths", sandbox.ErrUnsupported, p.DeniedGlobs[0])
	}
	w := &writer{}
	w.text(base)
	w.reads(p)
	w.writes(p)
	if p.Network == filesystem.NetworkOn {
		w.text(networkOn)
	} else {
		w.text("\n; network: closed, Unix sockets included\n")
	}
	return w.b.String(), w.err
}

// rule opens or closes one path.
type rule struct {
	path    string
	open    bool
	comment string
	// spelling closes the last name in upper and lower case alike.
	spelling bool
	// itself closes only moving and removing the path.
	itself bool
}

// ordered puts parents first, and at equal depth what closes last.
func ordered(rules []rule) []rule {
	weight := func(r rule) int {
		switch {
		case r.open:
			return 0
		case r.itself:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(rules, func(a, b rule) int {
		return cmp.Or(cmp.Compare(filesystem.Depth(a.path), filesystem.Depth(b.path)), cmp.Compare(weight(a), weight(b)), cmp.Compare(a.path, b.path))
	})
	return slices.CompactFunc(rules, func(a, b rule) bool { return a.path == b.path && a.open == b.open && a.itself == b.itself })
}

type writer struct {
	b   strings.Builder
	err error
}

func (w *writer) text(s string) { w.b.WriteString(s) }

func (w *writer) rule(operations string, r rule) {
	verb := "deny"
	if r.open {
		verb = "allow"
	}
	filter := "(subpath " + w.quote(r.path) + ")"
	switch {
	case r.itself:
		filter = "(literal " + w.quote(r.path) + ")"
	case r.spelling:
		filter = "(regex #\"" + w.anySpelling(r.path) + "\")"
	}
	fmt.Fprintf(&w.b, "(%s %s %s)", verb, operations, filter)
	if r.comment != "" {
		w.b.WriteString(" ; " + r.comment)
	}
	w.b.WriteByte('\n')
}

func (w *writer) reads(p filesystem.Plan) {
	var rules []rule
	if p.ReadAll {
		w.text("\n; reading\n(allow file-read*)\n")
	} else {
		w.text(minimal)
		for _, r := range p.Readable {
			rules = append(rules, rule{path: r, open: true})
		}
		for _, r := range p.Writable {
			rules = append(rules, rule{path: r.Path, open: true, comment: "writable root"})
		}
	}
	for _, d := range p.DeniedReads {
		rules = append(rules, rule{path: d.Path, comment: "denied", spelling: d.Kind == filesystem.Missing})
		for _, r := range p.Writable {
			if p.ReadAll && r.Path != d.Path && filesystem.Within(r.Path, d.Path) {
				rules = append(rules, rule{path: r.Path, open: true, comment: "writable root"})
			}
		}
	}
	for _, r := range ordered(rules) {
		w.rule("file-read*", r)
	}
}

func (w *writer) writes(p filesystem.Plan) {
	w.text("\n; writing: " + string(p.Mode) + "\n")
	var rules []rule
	for _, r := range p.Writable {
		rules = append(rules, rule{path: r.Path, open: true, comment: "writable root"}, rule{path: r.Path, itself: true, comment: "keeps its place"})
		for _, q := range r.Protected {
			rules = append(rules, rule{path: q.Path, comment: "protected " + plainName(q.Name), spelling: q.Kind == filesystem.Missing})
			rules = append(rules, between(q.Path, r.Path)...)
		}
	}
	closed := func(at, why string, spelling bool) {
		rules = append(rules, rule{path: at, comment: why, spelling: spelling})
		for _, r := range p.Writable {
			rules = append(rules, between(at, r.Path)...)
		}
	}
	for _, ro := range slices.Concat(p.ReadOnly, p.Readable) {
		closed(ro, "read-only", false)
	}
	for _, l := range p.Linked {
		closed(l, "linked from elsewhere", false)
	}
	for _, d := range p.DeniedReads {
		closed(d.Path, "denied", d.Kind == filesystem.Missing)
	}
	for _, r := range ordered(rules) {
		if r.itself {
			w.rule("file-write-unlink", r)
			continue
		}
		w.rule("file-write*", r)
	}
}

// between are the directories that lead from root to at, which must keep their places.
func between(at, root string) []rule {
	var out []rule
	if at == root || !filesystem.Within(at, root) {
		return nil
	}
	for dir := path.Dir(at); dir != root && dir != "/"; dir = path.Dir(dir) {
		out = append(out, rule{path: dir, itself: true, comment: "keeps its place"})
	}
	return out
}

// plainName keeps a comment on its line: the names come from a fixed list, but from another package.
func plainName(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r > 0x7e {
			return '?'
		}
		return r
	}, s[:min(len(s), 64)])
}
