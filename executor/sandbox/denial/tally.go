//go:build linux

package denial

import (
	"time"

	"proctor/executor/sandbox"
)

const (
	// Limit is how many different denials one supervisor reports; further ones are counted.
	Limit = 256
	// hold is how long a denial waits for repeats before it is reported.
	hold = 250 * time.Millisecond
)

// tally counts repeats: the same call on the same target by the same program under the same rule is one denial with a count.
// It is reported once after hold, and once more at the end when there were more.
type tally struct {
	limit             int
	entries           []*entry
	reported, dropped int
}

type entry struct {
	denial sandbox.Denial
	due    time.Time // zero once it was reported
}

// same ignores who called, but for the program, and when.
func same(a, b sandbox.Denial) bool {
	return a.Path == b.Path && a.Address == b.Address && a.Rule == b.Rule && a.Access == b.Access && a.Program == b.Program
}

// add counts d, whose Count is 1.
func (t *tally) add(d sandbox.Denial) {
	for _, e := range t.entries {
		if !same(e.denial, d) {
			continue
		}
		if e.denial.Syscall == "openat2" && e.denial.Count > 0 { // refused as unknown: this is the same attempt, made anew
			e.denial.Syscall = d.Syscall
			return
		}
		if e.denial.Syscall == d.Syscall {
			if e.denial.Count == 0 {
				e.denial.At, e.denial.PID = d.At, d.PID
			}
			e.denial.Count++
			return
		}
	}
	if len(t.entries) >= t.limit {
		t.dropped++
		return
	}
	t.entries = append(t.entries, &entry{denial: d, due: d.At.Add(hold)})
}

// next is when something is due; false when nothing is.
func (t *tally) next() (time.Time, bool) {
	for _, e := range t.entries { // in order of time
		if !e.due.IsZero() {
			return e.due, true
		}
	}
	return time.Time{}, false
}

// due takes what has been held long enough.
func (t *tally) due(now time.Time) []sandbox.Denial {
	return t.take(func(e *entry) bool { return !e.due.IsZero() && !e.due.After(now) })
}

// rest takes what was not reported yet.
func (t *tally) rest() []sandbox.Denial { return t.take(func(*entry) bool { return true }) }

func (t *tally) take(ready func(*entry) bool) []sandbox.Denial {
	var out []sandbox.Denial
	for _, e := range t.entries {
		if e.denial.Count > 0 && ready(e) {
			out = append(out, e.denial)
			t.reported += e.denial.Count
			e.denial.Count, e.due = 0, time.Time{}
		}
	}
	return out
}
