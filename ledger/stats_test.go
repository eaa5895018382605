package ledger

import "testing"

// A small ledger has a few blocks that several parts share.
func TestThePartsOfTheDiskAreNotMoreThanTheWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := openTest(t, dir, Options{})
	appendTest(t, l, prompts("s", 1, 40)...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openTest(t, dir, Options{}) // what was in the log is in a table now
	st, err := l.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d := st.Disk
	if sum := d.Entries + d.Content + d.Tree + d.Indexes + d.Search + d.Checkpoints; sum == 0 || sum > uint64(d.Total-d.Log) {
		t.Errorf("parts of %d bytes: %+v", sum, d)
	}
}
