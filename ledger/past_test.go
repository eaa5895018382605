package ledger

import (
	"errors"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"proctor/event"
)

// TestOldIDsAreKnown: an event that is older than the newest of the store, as those of a source that lags behind are, is recorded once, in
// whatever group it comes again, and not with other bytes.
func TestOldIDsAreKnown(t *testing.T) {
	fs := vfs.NewMem()
	l := openTest(t, "ledger", memory(fs))
	late := prompts("late", 1, 20)
	stored := prompts("stored", 1, 20)
	appendTest(t, l, stored...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openTest(t, "ledger", memory(fs)) // knows by heart what comes from now on and is newer
	for _, round := range []string{"new", "again"} {
		for _, e := range slices.Concat(late, stored) { // group after group: each finds what the one before recorded
			first, err := submit(l, encode(t, e))
			if err != nil {
				t.Fatal(round, err)
			}
			second, err := submit(l, encode(t, e))
			if err != nil || second[0] != first[0] {
				t.Fatalf("%s: receipt %+v, %v, the first was %+v", round, second, err, first)
			}
		}
		if size := l.Tree().Size; size != 40 {
			t.Fatalf("%s: %d entries, want 40", round, size)
		}
	}
	for _, e := range []*event.Event{late[3], stored[3]} {
		other := prompt("other", 1, "not what it was")
		other.ID = e.ID
		if _, err := submit(l, encode(t, other)); !errors.Is(err, ErrConflict) {
			t.Errorf("an event with the id of another: %v, want ErrConflict", err)
		}
	}
	mustBeGreen(t, l)
}
