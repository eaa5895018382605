package ledger

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"proctor/event"
)

// witnessWalk checks what witnesses cosigned, in step with the entries.
type witnessWalk struct {
	bySize  map[uint64][]Witnessed
	last    map[string]Witnessed // the newest line of each witness
	strange map[string]bool      // who cosigned with a key that was not given
	newest  uint64               // size of the newest checkpoint that enough of the given witnesses cosigned
	enough  []Cosignature        // on that
}

// quorum is how many witnesses must have cosigned a checkpoint for it to count.
func (o VerifyOptions) quorum() int { return max(1, o.Quorum) }

func (w *witnessWalk) open(v *verifier) {
	w.bySize, w.last, w.strange = map[uint64][]Witnessed{}, map[string]Witnessed{}, map[string]bool{}
	all, damaged, err := v.l.witnessed()
	if err != nil {
		v.add(SeverityError, Finding{Code: CodeCosignature, Message: err.Error()})
	}
	if damaged > 0 {
		v.add(SeverityError, Finding{Code: CodeCosignature, Message: fmt.Sprintf("%d lines of the file %s cannot be read", damaged, cosignatureFile)})
	}
	for _, line := range all {
		w.last[line.URL] = line
		if line.Note != "" && line.Size > v.since {
			w.bySize[line.Size] = append(w.bySize[line.Size], line)
		}
	}
}

// reach checks what was cosigned at the size that the walk has now.
func (w *witnessWalk) reach(v *verifier) {
	lines, ok := w.bySize[v.tree.size]
	if !ok {
		return
	}
	delete(w.bySize, v.tree.size)
	signed := map[string]Cosignature{}
	for _, line := range lines {
		err := v.keys.opens(line.Note, v.tree.root())
		good, bad := cosignatures(line.Note, v.opts.Witnesses)
		if err == nil && len(bad) > 0 {
			err = fmt.Errorf("the signature of %s does not hold", strings.Join(bad, ", "))
		}
		if err != nil {
			v.add(SeverityError, Finding{Code: CodeCosignature, Message: fmt.Sprintf("checkpoint of %d entries that %s cosigned: %v", line.Size, line.URL, err)})
			continue
		}
		v.report.CosignaturesChecked += len(good)
		for _, g := range good {
			signed[g.Key] = g
		}
		for _, name := range signers(line.Note) {
			if !slices.ContainsFunc(good, func(g Cosignature) bool { return g.Witness == name }) {
				w.strange[name] = true
			}
		}
	}
	if len(signed) >= v.opts.quorum() {
		w.newest, w.enough = v.tree.size, slices.Collect(maps.Values(signed))
	}
}

// rest reports what stands at the end.
func (w *witnessWalk) rest(v *verifier) {
	for _, size := range slices.Sorted(maps.Keys(w.bySize)) {
		if size > v.l.Tree().Size {
			v.add(SeverityError, Finding{Code: CodeCheckpointAhead, Message: fmt.Sprintf("a witness cosigned a checkpoint of %d entries, only %d are stored: entries were cut off, or an old copy was put back", size, v.l.Tree().Size)})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.strange)) {
		v.add(SeverityNote, Finding{Code: CodeCosignatureStrange, Message: fmt.Sprintf("%s cosigned, but its key was not given: its cosignatures were not checked", name)})
	}
	for _, url := range slices.Sorted(maps.Keys(w.last)) {
		line := w.last[url]
		switch {
		case line.Fork:
			v.add(SeverityWarning, Finding{Code: CodeWitnessFork, Message: fmt.Sprintf("witness %s, since %s: %s", line.URL, line.Time.Format(time.RFC3339), line.Error)})
		case line.Error != "":
			v.add(SeverityWarning, Finding{Code: CodeWitnessFailed, Message: fmt.Sprintf("witness %s has not cosigned since %s: %s", line.URL, line.Time.Format(time.RFC3339), line.Error)})
		}
	}
	slices.SortFunc(w.enough, func(a, b Cosignature) int { return strings.Compare(a.Key, b.Key) })
	v.report.Cosigned, v.report.Cosignatures = w.newest, w.enough
	w.demand(v)
}

// demand compares what is cosigned with what must be: everything that is older than OpenFor, and something.
func (w *witnessWalk) demand(v *verifier) {
	if v.opts.Quorum == 0 || w.newest >= v.tree.size {
		return
	}
	severity, first := SeverityError, event.Seq(w.newest)
	when := ""
	if e, err := v.decoder.at(first); err == nil {
		when = ", received " + e.Received.Format(time.RFC3339) + ","
		if w.newest > 0 && v.now.Sub(e.Received) < v.opts.OpenFor {
			severity = SeverityWarning
		}
	}
	v.add(severity, at(CodeWitnessQuorum, first, fmt.Sprintf("entries from number %d on%s are under no checkpoint that %d of the given witnesses cosigned", first, when, v.opts.Quorum)))
}
