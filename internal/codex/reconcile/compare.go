package reconcile

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Verdict is what comparing a call came to.
type Verdict string

// The verdicts, the worst first.
const (
	Extra   Verdict = "extra"
	Drift   Verdict = "drift"
	Missing Verdict = "missing"
	Match   Verdict = "match"
)

// Finding is one call with its verdict.
type Finding struct {
	Call    string   `json:"call,omitempty"`
	Class   Class    `json:"class"`
	What    string   `json:"what"`
	Verdict Verdict  `json:"verdict"`
	ToldBy  []Source `json:"told_by"`
	// Missing are the sources that should tell of it and do not.
	Missing []Source `json:"missing,omitempty"`
	// Differs says what they contradict each other in.
	Differs []string `json:"differs,omitempty"`
}

// Report is the outcome of a comparison.
type Report struct {
	Calls   []Finding `json:"calls"`
	Match   int       `json:"match"`
	Missing int       `json:"missing"`
	Drift   int       `json:"drift"`
	Extra   int       `json:"extra"`
}

// Agrees reports whether every call matches.
func (r Report) Agrees() bool { return r.Missing+r.Drift+r.Extra == 0 }

// order is that of sources in reports.
var order = []Source{Executor, Rollout, Stream, Telemetry, Hooks}

// tells reports whether a source that is there must tell of a call. A call that was not carried out is in the rollout alone for sure: Codex
// refuses some before anything else hears of them.
func tells(w Source, class Class, ran bool) bool {
	switch w {
	case Rollout:
		return true
	case Executor:
		return ran && class == Command // of patches, see written
	case Stream, Hooks:
		return ran && class != Other
	case Telemetry:
		return ran
	}
	return false
}

// Compare puts what sources tell of one thread side by side; each source once.
func Compare(all []Told) Report {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Told) int { return slices.Index(order, a.Source) - slices.Index(order, b.Source) })
	var there []Source
	w := written{}
	for _, t := range all {
		there = append(there, t.Source)
		if t.Source == Executor {
			w = written{there: true, left: slices.Clone(t.Written)}
		}
	}
	var r Report
	for _, g := range join(all) {
		r.add(g.compare(there, &w))
	}
	for _, file := range w.left {
		f := Finding{Class: Patch, What: file, Verdict: Missing, ToldBy: []Source{Executor}}
		for _, one := range there {
			if one == Rollout || one == Stream {
				f.Missing = append(f.Missing, one)
			}
		}
		if len(f.Missing) > 0 {
			r.add(f)
		}
	}
	return r
}

func (r *Report) add(f Finding) {
	r.Calls = append(r.Calls, f)
	switch f.Verdict {
	case Match:
		r.Match++
	case Missing:
		r.Missing++
	case Drift:
		r.Drift++
	case Extra:
		r.Extra++
	}
}

func (g *group) compare(there []Source, w *written) Finding {
	class, ran := g.class(), g.ran()
	f := Finding{Call: g.id, Class: class, Verdict: Match}
	for _, one := range there {
		c, told := g.by[one]
		switch {
		case told:
			f.ToldBy = append(f.ToldBy, one)
			if f.What == "" {
				f.What = c.What
			}
		case tells(one, class, ran) && (one != Stream || !g.by[Rollout].NoItem):
			f.Missing = append(f.Missing, one)
		}
	}
	f.Differs = g.differs(there)
	unseen := slices.Contains(f.Missing, Executor)
	if class == Patch && w.there {
		if lacking := w.take(g); len(lacking) > 0 {
			unseen = true
			f.Missing = append([]Source{Executor}, f.Missing...)
			f.Differs = append(f.Differs, "the executor did not write "+strings.Join(lacking, ", "))
		} else if ran {
			f.ToldBy = slices.Compact(append([]Source{Executor}, f.ToldBy...))
		}
	}
	switch {
	case unseen:
		f.Verdict = Extra
	case len(f.Differs) > 0:
		f.Verdict = Drift
	case len(f.Missing) > 0:
		f.Verdict = Missing
	}
	return f
}

// differs says what sources contradict each other in; each is compared with the first that tells.
func (g *group) differs(there []Source) (out []string) {
	var what, exit, outcome, ran, refused *Source
	text := func(w Source) string { return g.by[w].What }
	for _, w := range there {
		c, told := g.by[w]
		if !told {
			continue
		}
		if c.Class == Command && c.What != "" && !c.Vague {
			if what == nil {
				what = &w
			} else if text(*what) != c.What {
				out = append(out, fmt.Sprintf("command: %s %q, %s %q", *what, shorten(text(*what)), w, shorten(c.What)))
			}
		}
		if c.Exit != nil {
			if exit == nil {
				exit = &w
			} else if *g.by[*exit].Exit != *c.Exit {
				out = append(out, fmt.Sprintf("exit status: %s %d, %s %d", *exit, *g.by[*exit].Exit, w, *c.Exit))
			}
		}
		if c.Outcome == Done || c.Outcome == Failed {
			if outcome == nil {
				outcome = &w
			} else if first := g.by[*outcome]; first.Outcome != c.Outcome && (first.Exit == nil || c.Exit == nil) {
				out = append(out, fmt.Sprintf("outcome: %s %s, %s %s", *outcome, first.Outcome, w, c.Outcome))
			}
		}
		if c.Ran && ran == nil {
			ran = &w
		}
		if c.Outcome == Refused && refused == nil {
			refused = &w
		}
	}
	if ran != nil && refused != nil && *ran != *refused {
		out = append(out, fmt.Sprintf("outcome: %s refused, %s carried out", *refused, *ran))
	}
	return out
}

// shorten keeps a finding readable, in bytes.
func shorten(s string) string {
	const most = 160
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// written are the files that the executor wrote and no patch has named yet.
type written struct {
	there bool
	left  []string
}

// take gives a patch its files, and the folders made for them, and returns those that are not there although the patch went through.
func (w *written) take(g *group) (lacking []string) {
	var files []string
	done := false
	for _, one := range order {
		c := g.by[one]
		if done = done || c.Ran && c.Outcome == Done; len(files) == 0 || c.Ran && c.Outcome == Done && path.IsAbs(first(c.Files)) && !path.IsAbs(files[0]) {
			files = c.Files
		}
	}
	for _, file := range files {
		i := slices.IndexFunc(w.left, func(other string) bool { return sameFile(file, other) })
		if i < 0 {
			if done {
				lacking = append(lacking, file)
			}
			continue
		}
		at := w.left[i]
		w.left = slices.Delete(w.left, i, i+1)
		w.left = slices.DeleteFunc(w.left, func(other string) bool { return strings.HasPrefix(at, other+"/") })
	}
	return lacking
}

func first(files []string) string {
	if len(files) == 0 {
		return ""
	}
	return files[0]
}
