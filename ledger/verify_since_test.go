package ledger

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"proctor/event"
)

// sinceLast verifies what came after the remembered position, and remembers the new one.
func sinceLast(t *testing.T, l *Ledger) Report {
	t.Helper()
	last, err := l.LastVerified()
	if err != nil || last == nil {
		t.Fatalf("%+v, %v", last, err)
	}
	r, err := l.Verify(context.Background(), VerifyOptions{Since: last.Checkpoint})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Remember(r, last); err != nil {
		t.Fatal(err)
	}
	return r
}

// remembered is a ledger of which a first part is verified and remembered: a session in the middle of its story, one on hold, one erased, and
// a rotated key.
func remembered(t *testing.T, dir string) (*Ledger, []*event.Event) {
	t.Helper()
	l := openTest(t, dir, Options{CheckpointInterval: -1})
	appendTest(t, l, supervised("done")...)
	appendTest(t, l, prompts("held", 1, 300)...)
	appendTest(t, l, prompts("erased", 1, 20)...)
	appendTest(t, l, hold("held", "court"))
	eraseTest(t, l, "erased")
	rotateTest(t, l)
	middle := supervised("middle")
	appendTest(t, l, middle[:3]...)
	checkpointTest(t, l)
	if err := l.Remember(mustBeGreen(t, l), nil); err != nil {
		t.Fatal(err)
	}
	return l, middle[3:]
}

func TestVerifySinceReadsTheNewPart(t *testing.T) {
	t.Parallel()
	l, rest := remembered(t, filepath.Join(t.TempDir(), "ledger"))
	before := l.Tree().Size
	appendTest(t, l, rest...)
	appendTest(t, l, supervised("new")...)
	appendTest(t, l, prompts("erased", 21, 3)...)
	appendTest(t, l, release("held"))
	rotateTest(t, l)
	newest := checkpointTest(t, l)
	r := sinceLast(t, l)
	if !r.OK || r.Since != before || r.Entries != newest.Size || r.Root != newest.Root || r.Newest != newest.Size {
		t.Fatalf("%+v", r)
	}
	for _, f := range r.Findings {
		if f.Severity != SeverityNote {
			t.Errorf("%+v", f)
		}
	}
	last, err := l.LastVerified()
	if err != nil || last.FullEntries != before {
		t.Fatalf("%+v, %v", last, err)
	}
	if r := sinceLast(t, l); !r.OK || r.Since != newest.Size || r.Entries != newest.Size {
		t.Errorf("with nothing new: %+v", r)
	}
	if full := mustBeGreen(t, l); full.Root != r.Root || full.Since != 0 {
		t.Errorf("all: %+v", full)
	}
}

// What a quick verification did not read must not be left out by the next one.
func TestAQuickVerificationIsNotRemembered(t *testing.T) {
	t.Parallel()
	l := openMem(t)
	appendTest(t, l, prompts("s", 1, 3)...)
	checkpointTest(t, l)
	r := verifyQuick(t, l)
	if !r.OK || r.Checkpoints != 1 || r.Root != l.Tree().Root {
		t.Fatalf("%+v", r)
	}
	if err := l.Remember(r, nil); err != nil {
		t.Fatal(err)
	}
	if last, err := l.LastVerified(); last != nil || err != nil {
		t.Fatalf("%+v, %v", last, err)
	}
}

func TestVerifySinceFinds(t *testing.T) {
	t.Parallel()
	flip := func(i int) func([]byte) []byte {
		return func(b []byte) []byte { b = slices.Clone(b); b[(i+len(b))%len(b)] ^= 1; return b }
	}
	key := func(l *Ledger, back uint64) []byte { return numberKey(prefixEntry, l.Tree().Size-back) }
	for name, c := range map[string]struct {
		tamper func(t *testing.T, l *Ledger, since uint64)
		code   string // empty: what only reading everything finds
	}{
		"a new entry": {func(t *testing.T, l *Ledger, _ uint64) { change(t, l.db, key(l, 2), flip(-20)) }, CodeTileHash},
		"a new content": {func(t *testing.T, l *Ledger, _ uint64) {
			change(t, l.db, sessionKey(prefixContent, "new", l.Tree().Size-2), flip(30))
		}, CodeContentDamaged},
		"a new id": {func(t *testing.T, l *Ledger, since uint64) { removeID(t, l, since) }, CodeIDIndex},
		"the right edge": {func(t *testing.T, l *Ledger, since uint64) {
			change(t, l.db, appendTileKey(nil, 0, since/tileWidth), flip(int(since%tileWidth)*32-1))
		}, CodeCheckpointFork},
		"a rotation":   {func(t *testing.T, l *Ledger, _ uint64) { remove1(t, l.db, numberKey(prefixRotation, rotatedAt(t, l))) }, ""},
		"a release":    {func(t *testing.T, l *Ledger, _ uint64) { remove1(t, l.db, nameKey(prefixHold, "held")) }, ""},
		"an old entry": {func(t *testing.T, l *Ledger, _ uint64) { change(t, l.db, numberKey(prefixEntry, 40), flip(-20)) }, ""},
		"an old content": {func(t *testing.T, l *Ledger, _ uint64) {
			change(t, l.db, sessionKey(prefixContent, "held", 40), flip(30))
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, rest := remembered(t, filepath.Join(t.TempDir(), "ledger"))
			since := l.Tree().Size
			appendTest(t, l, rest...)
			appendTest(t, l, supervised("new")...)
			checkpointTest(t, l)
			c.tamper(t, l, since)
			r := sinceLast(t, l)
			has := func(r Report) bool {
				return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Code == c.code && f.Severity == SeverityError })
			}
			switch {
			case c.code == "" && !r.OK:
				t.Errorf("%+v", r.Findings)
			case c.code != "" && !has(r):
				t.Errorf("not found: %+v", r.Findings)
			}
			if verify(t, l).OK {
				t.Error("reading everything finds nothing")
			}
			if last, err := l.LastVerified(); err != nil || !r.OK && last.FullEntries != since {
				t.Errorf("remembered: %+v, %v", last, err)
			}
		})
	}
}

// A remembered position that does not fit is an error, never a reason to read less.
func TestVerifySinceRefusesAnotherHistory(t *testing.T) {
	t.Parallel()
	l, _ := remembered(t, filepath.Join(t.TempDir(), "ledger"))
	other := openTest(t, filepath.Join(t.TempDir(), "other"), Options{})
	appendTest(t, other, prompts("a", 1, 30)...)
	own := checkpointTest(t, l)
	for name, note := range map[string]string{
		"another key": checkpointTest(t, other).Note, "no note": "x", "another size": "x" + own.Note, "not signed": own.Note[:len(own.Note)-9] + "AAAAAAA=\n",
	} {
		r, err := l.Verify(t.Context(), VerifyOptions{Since: note})
		if err != nil || r.OK || r.Findings[0].Code != CodeCheckpointFork {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		if err := l.Remember(r, nil); err != nil {
			t.Error(err)
		}
	}
	if last, err := l.LastVerified(); err != nil || last.Checkpoint != own.Note {
		t.Errorf("%+v, %v", last, err)
	}
}

func removeID(t *testing.T, l *Ledger, index uint64) {
	t.Helper()
	raw, err := get(l.db, numberKey(prefixEntry, index))
	if err != nil {
		t.Fatal(err)
	}
	s, err := parseEntry(raw)
	if err != nil {
		t.Fatal(err)
	}
	h, err := parseHeadOf(s.public)
	if err != nil {
		t.Fatal(err)
	}
	k, _ := newIDKey(h.ID)
	remove1(t, l.db, k[:])
}

func rotatedAt(t *testing.T, l *Ledger) uint64 {
	t.Helper()
	chain, err := loadChain(l.db)
	if err != nil || len(chain) == 0 {
		t.Fatal(chain, err)
	}
	return uint64(chain[0].index)
}
