//go:build linux

package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// results are the samples of every task, in the order of rounds.
type results struct {
	names   []string
	samples map[string][]sample
	notes   []string
	after   []func() // to be called at the end
}

func (r *results) note(text string) { r.notes = append(r.notes, text) }

func (r *results) add(name string, s sample) {
	if _, ok := r.samples[name]; !ok {
		r.names = append(r.names, name)
	}
	r.samples[name] = append(r.samples[name], s)
}

func median[T cmp.Ordered](values []T) (m T) {
	if len(values) == 0 {
		return m
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// column takes one figure out of the samples of a task.
func (r *results) column(name string, f func(sample) time.Duration) (out []time.Duration) {
	for _, s := range r.samples[name] {
		out = append(out, f(s))
	}
	return out
}

func wall(s sample) time.Duration  { return s.wall }
func cpu(s sample) time.Duration   { return s.cpu }
func first(s sample) time.Duration { return s.first }
func call(s sample) time.Duration  { return median(s.calls) }
func tree(s sample) time.Duration  { return time.Duration(s.tree) }
func large(s sample) time.Duration { return time.Duration(s.largest) }

func (r *results) print(w io.Writer, s settings) {
	slices.Sort(r.names)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%d interleaved rounds, command %q, sandbox %s; milliseconds as median (least); MB\n\n", s.rounds, s.command, s.sandbox)
	fmt.Fprintln(t, "\twall\tCPU\tfirst request\tper call\tlargest process\ttree")
	for _, name := range r.names {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", name, r.millis(name, wall), r.millis(name, cpu), r.millis(name, first),
			r.millis(name, call), r.megabytes(name, large), r.megabytes(name, tree))
	}
	fmt.Fprintln(t, "\nratio, median of the rounds\tmeasured\tgoal")
	few, many := fmt.Sprintf(" exec, %d commands", s.few), fmt.Sprintf(" exec, %d commands", s.many)
	r.ratio(t, "supervised call : raw bwrap, wall", "1.6", "proctor"+many, "raw bwrap", call)
	r.ratio(t, "supervised call : call of codex, wall", "-", "proctor"+many, "codex"+many, call)
	r.extra(t, s, few, many)
	for _, n := range []struct{ turn, wall string }{{few, "0.50"}, {many, "0.20"}} {
		r.ratio(t, "proctor : codex, "+n.turn[6:]+", wall", n.wall, "proctor"+n.turn, "codex"+n.turn, wall)
		r.ratio(t, "proctor : codex, "+n.turn[6:]+", CPU", "0.25", "proctor"+n.turn, "codex"+n.turn, cpu)
		r.ratio(t, "proctor : codex, "+n.turn[6:]+", memory of the tree", "0.50", "proctor"+n.turn+", memory", "codex"+n.turn+", memory", tree)
	}
	t.Flush()
	for _, n := range r.notes {
		fmt.Fprintln(w, n)
	}
}

// extra is the CPU of one more call, from the difference of the two turns.
func (r *results) extra(w io.Writer, s settings, few, many string) {
	agents := []string{"proctor", "proctor (ledger in use)", "codex"}
	for _, v := range s.variants {
		agents = append(agents, v.name)
	}
	for _, agent := range agents {
		a, b := r.column(agent+few, cpu), r.column(agent+many, cpu)
		if len(a) == 0 {
			continue
		}
		per := (median(b) - median(a)) / time.Duration(s.many-s.few)
		fmt.Fprintf(w, "%s, CPU of one more call\t%.1f ms\t\n", agent, ms(per))
	}
}

func (r *results) ratio(w io.Writer, label, goal, a, b string, f func(sample) time.Duration) {
	ratios := r.ratios(a, b, f)
	if len(ratios) == 0 {
		fmt.Fprintf(w, "%s\tnot measured\t%s\n", label, goal)
		return
	}
	fmt.Fprintf(w, "%s\t%.2f (%.2f to %.2f)\t<= %s\n", label, median(ratios), slices.Min(ratios), slices.Max(ratios), goal)
}

// ratios has one for each round.
func (r *results) ratios(a, b string, f func(sample) time.Duration) (out []float64) {
	x, y := r.column(a, f), r.column(b, f)
	for i := range min(len(x), len(y)) {
		if y[i] > 0 {
			out = append(out, float64(x[i])/float64(y[i]))
		}
	}
	return out
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (r *results) millis(name string, f func(sample) time.Duration) string {
	v := r.column(name, f)
	if median(v) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f (%.1f)", ms(median(v)), ms(slices.Min(v)))
}

func (r *results) megabytes(name string, f func(sample) time.Duration) string {
	v := r.column(name, f)
	if median(v) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f (%.0f)", float64(median(v))/1e6, float64(slices.Min(v))/1e6)
}
