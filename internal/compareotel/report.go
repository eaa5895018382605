package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// rows are reasons by what the first cell of a table names.
type rows map[string]string

func readRows(file string) (rows, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the reasons for differences: %w", err)
	}
	r := rows{}
	for line := range strings.Lines(string(b)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) < 4 || strings.TrimSpace(cells[2]) == "" {
			continue
		}
		reason := strings.TrimSpace(strings.Join(cells[2:len(cells)-1], "|"))
		for _, name := range strings.Split(cells[1], ",") {
			r[strings.Trim(name, " `")] = reason
		}
	}
	return r, nil
}

// difference of one attribute, or of the whole event when attr is empty.
type difference struct{ attr, what string }

// compare says how ours differs from theirs.
func compare(theirs, ours *shape) []difference {
	if ours == nil {
		return []difference{{"", "not sent by proctor"}}
	}
	var out []difference
	names := maps.Clone(theirs.attrs)
	maps.Copy(names, ours.attrs)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		t, o := theirs.attrs[name], ours.attrs[name]
		switch {
		case t == o:
		case o == "":
			out = append(out, difference{name, "only the CLI has it (" + t + ")"})
		case t == "" && ownByDesign(name):
		case t == "":
			out = append(out, difference{name, "only proctor has it (" + o + ")"})
		default:
			out = append(out, difference{name, "CLI " + t + ", proctor " + o})
		}
	}
	return out
}

// compareSpan says what of our span the CLI's of that name has not. Those of the CLI are functions of its code, so what it has beyond is not
// asked for.
func compareSpan(theirs, ours *shape) []difference {
	if theirs == nil {
		return []difference{{"", "only proctor has it"}}
	}
	var out []difference
	for _, d := range compare(theirs, ours) {
		if ours.attrs[d.attr] != "" {
			out = append(out, d)
		}
	}
	return out
}

func ownByDesign(attr string) bool {
	return strings.HasPrefix(attr, "proctor.") || attr == "turn.id" || attr == "call_id" || attr == "conversation.id"
}

// report prints every event and metric of both and returns the number of differences without a row.
func report(out io.Writer, theirs, ours shapes, why rows, verbose bool) (unlisted int) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format, args...) }
	same, listed := 0, 0
	for _, signal := range []string{"log", "metric", "resource"} {
		say("== %s\n", signal)
		for _, k := range theirs.subjects(signal) {
			t := theirs[k]
			diffs := compare(t, ours[k])
			if len(diffs) == 0 {
				same++
				say("same        %s (%d and %d)\n", k.name, t.count, ours[k].count)
				if verbose {
					say("            %s\n", strings.Join(slices.Sorted(maps.Keys(t.attrs)), " "))
				}
				continue
			}
			say("differs     %s\n", k.name)
			for _, d := range diffs {
				reason, ok := why[strings.TrimSpace(k.name+" "+d.attr)]
				if ok {
					listed++
				} else {
					unlisted++
					reason = "unlisted"
				}
				say("            %s: %s\n", strings.TrimSpace(d.attr+" "+d.what), reason)
			}
		}
		for _, k := range ours.subjects(signal) {
			if theirs[k] == nil {
				say("ours alone  %s (%d)\n", k.name, ours[k].count)
			}
		}
	}
	say("== span\n")
	for _, k := range ours.subjects("span") {
		diffs := compareSpan(theirs[k], ours[k])
		if len(diffs) == 0 {
			same++
			say("same        %s (%d and %d)\n", k.name, theirs[k].count, ours[k].count)
			continue
		}
		say("differs     %s\n", k.name)
		for _, d := range diffs {
			reason, ok := why[strings.TrimSpace("span "+k.name+" "+d.attr)]
			if ok {
				listed++
			} else {
				unlisted++
				reason = "unlisted"
			}
			say("            %s: %s\n", strings.TrimSpace(d.attr+" "+d.what), reason)
		}
	}
	say("\n%d the same, %d differences with a reason, %d unlisted\n", same, listed, unlisted)
	return unlisted
}

// subjects are those of a signal, in order of their names.
func (s shapes) subjects(signal string) []subject {
	of := slices.DeleteFunc(slices.Collect(maps.Keys(s)), func(k subject) bool { return k.signal != signal })
	slices.SortFunc(of, func(a, b subject) int { return strings.Compare(a.name, b.name) })
	return of
}
