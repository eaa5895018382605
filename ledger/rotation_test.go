package ledger

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"proctor/event"
)

// rotateTest prepares a key and records the event that puts it in force.
func rotateTest(t testing.TB, l *Ledger) (old, next string) {
	t.Helper()
	old, next, err := l.PrepareKey()
	if err != nil {
		t.Fatal(err)
	}
	appendTest(t, l, newEvent("system", 0, "", &event.KeyRotatedPayload{Old: old, New: next, Reason: "yearly"}))
	return old, next
}

func checkpointTest(t testing.TB, l *Ledger) Checkpoint {
	t.Helper()
	c, err := l.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// rotatedTwice is a ledger whose session "s" was recorded under its first key.
func rotatedTwice(t testing.TB, fs vfs.FS) (l *Ledger, keys []string) {
	l = openTest(t, "ledger", memory(fs))
	keys = append(keys, l.PublicKey())
	appendTest(t, l, supervised("s")...)
	checkpointTest(t, l)
	for range 2 {
		_, next := rotateTest(t, l)
		keys = append(keys, next)
		checkpointTest(t, l)
		appendTest(t, l, prompts("later", len(keys)-1, 1)...)
		checkpointTest(t, l)
	}
	return l, keys
}

func TestRotatedKeysAreFollowed(t *testing.T) {
	fs := vfs.NewMem()
	l, keys := rotatedTwice(t, fs)
	origin := l.Origin()
	if r := mustBeGreen(t, l); r.Checkpoints != 5 || r.PublicKey != keys[2] {
		t.Fatalf("report %+v", r)
	}
	got, err := l.Rotations(t.Context())
	if err != nil || len(got) != 2 || got[0].Old != keys[0] || got[0].New != keys[1] || got[1].New != keys[2] || got[1].Reason != "yearly" {
		t.Fatalf("rotations %+v %v", got, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	names, _ := fs.List("ledger/keys")
	slices.Sort(names)
	if want := []string{"master", "signing", "signing.pub"}; !slices.Equal(names, want) {
		t.Errorf("keys directory has %q", names)
	}
	if pub := content(t, fs, "ledger/keys/signing.pub"); strings.TrimSpace(string(pub)) != keys[2] {
		t.Errorf("signing.pub is %q", pub)
	}
	l = openTest(t, "ledger", memory(fs))
	if l.PublicKey() != keys[2] || l.Origin() != origin {
		t.Fatalf("after opening again: %s", l.PublicKey())
	}
	mustBeGreen(t, l)
	var b bytes.Buffer
	if _, err := l.Evidence(t.Context(), &b, "s", EvidenceOptions{}); err != nil {
		t.Fatal(err)
	}
	for i, key := range append(keys, "") {
		if r, _ := checkEvidence(t, b.Bytes(), key); !r.OK || !r.Whole || r.Rotations != 2 || r.PublicKey != keys[2] {
			t.Errorf("key %d: %+v", i, r)
		}
	}
	if r, _ := checkEvidence(t, b.Bytes(), strings.Replace(keys[1], "A", "B", 1)); r.OK {
		t.Error("a key that never was in force is taken")
	}
}

func TestRotationsAreRefused(t *testing.T) {
	l := openMem(t)
	appendTest(t, l, prompts("s", 1, 3)...)
	old, next, err := l.PrepareKey()
	if err != nil {
		t.Fatal(err)
	}
	other, err := newSigningKey(bytes.Repeat([]byte{7}, 32), l.Origin())
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := newSigningKey(bytes.Repeat([]byte{7}, 32), "")
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]*event.KeyRotatedPayload{
		"not in force": {Old: next, New: old}, "the same": {Old: old, New: old}, "not prepared": {Old: old, New: other.public},
		"of another log": {Old: old, New: foreign.public}, "no key": {Old: old, New: "x"}, "nothing": {},
	} {
		if _, err := l.Append(t.Context(), newEvent("system", 0, "", p)); !errors.Is(err, ErrRotation) {
			t.Errorf("%s: %v", name, err)
		}
	}
	e := newEvent("system", 0, "", &event.KeyRotatedPayload{Old: old, New: next})
	appendTest(t, l, e)
	again := appendTest(t, l, e)
	if again[0].Seq != 3 {
		t.Errorf("sent again: %+v", again)
	}
	if l.Tree().Size != 4 || l.Err() != nil {
		t.Errorf("%d entries, %v", l.Tree().Size, l.Err())
	}
	checkpointTest(t, l)
	if l.PublicKey() != next {
		t.Errorf("signs with %s", l.PublicKey())
	}
	mustBeGreen(t, l)
}

// TestForgedKeysAreFindings takes what was signed by, or names, a key that no old key vouches for.
func TestForgedKeysAreFindings(t *testing.T) {
	stranger := func(t *testing.T, l *Ledger) *signingKey {
		key, err := newSigningKey(bytes.Repeat([]byte{9}, 32), l.Origin())
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	// resign replaces the n-th checkpoint by one of the same tree.
	resign := func(t *testing.T, db *pebble.DB, n int, sigs func(Checkpoint) (Checkpoint, error)) {
		it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixCheckpoint}, UpperBound: []byte{prefixCheckpoint + 1}})
		if err != nil {
			t.Fatal(err)
		}
		defer it.Close()
		it.First()
		for range n {
			it.Next()
		}
		c, err := parseStoredCheckpoint(it.Key(), it.Value())
		if err == nil {
			c, err = sigs(c)
		}
		if err != nil {
			t.Fatal(err)
		}
		change(t, db, numberKey(prefixCheckpoint, c.Size), func([]byte) []byte { return []byte(c.Note) })
	}
	for _, tt := range []struct {
		name, code string
		tamper     func(*testing.T, *pebble.DB, *Ledger)
	}{
		{"a checkpoint by an unknown key", CodeCheckpointSign, func(t *testing.T, db *pebble.DB, l *Ledger) {
			resign(t, db, 2, func(c Checkpoint) (Checkpoint, error) { return sign(c.Tree, stranger(t, l).signer) })
		}},
		{"a checkpoint by a key no longer in force", CodeCheckpointSign, func(t *testing.T, db *pebble.DB, l *Ledger) {
			resign(t, db, 0, func(c Checkpoint) (Checkpoint, error) { return sign(c.Tree, l.key().signer) })
		}},
		{"a handover that the old key did not sign", CodeCheckpointSign, func(t *testing.T, db *pebble.DB, l *Ledger) {
			resign(t, db, 3, func(c Checkpoint) (Checkpoint, error) { return sign(c.Tree, l.key().signer) })
		}},
		{"a rotation that no entry tells", CodeKeyChain, func(t *testing.T, db *pebble.DB, l *Ledger) {
			chain, _ := loadChain(db)
			change(t, db, numberKey(prefixRotation, uint64(chain[0].index)), func(b []byte) []byte {
				return bytes.Replace(b, []byte(chain[0].New), []byte(stranger(t, l).public), 1)
			})
		}},
		{"a rotation removed", CodeKeyChain, func(t *testing.T, db *pebble.DB, l *Ledger) {
			chain, _ := loadChain(db)
			remove1(t, db, numberKey(prefixRotation, uint64(chain[1].index)))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fs := vfs.NewMem()
			l, _ := rotatedTwice(t, fs)
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			tamper(t, fs, func(t *testing.T, db *pebble.DB) { tt.tamper(t, db, l) })
			l = openTest(t, "ledger", memory(fs))
			if r := verify(t, l); r.OK || !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Code == tt.code && f.Severity == SeverityError }) {
				t.Errorf("no %s in %s", tt.code, show(r))
			}
		})
	}
	t.Run("another key in the directory", func(t *testing.T) {
		fs := vfs.NewMem()
		l, _ := rotatedTwice(t, fs)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if err := writeFile(fs, "ledger/keys/signing", strings.Repeat("09", 32)+"\n", true); err != nil {
			t.Fatal(err)
		}
		l = openTest(t, "ledger", memory(fs))
		if !errors.Is(l.Err(), ErrDamaged) {
			t.Errorf("it signs with a key that no entry names: %v", l.Err())
		}
		if r := verify(t, l); r.OK {
			t.Error("verify has no finding")
		}
	})
}

// TestEvidenceNamesAForgedRotation changes each part of a handover in an evidence file.
func TestEvidenceNamesAForgedRotation(t *testing.T) {
	l, keys := rotatedTwice(t, vfs.NewMem())
	var b bytes.Buffer
	if _, err := l.Evidence(t.Context(), &b, "s", EvidenceOptions{}); err != nil {
		t.Fatal(err)
	}
	file := b.String()
	for name, forged := range map[string]string{
		"entry":    strings.Replace(file, `\"reason\":\"yearly\"`, `\"reason\":\"yeerly\"`, 1),
		"old key":  strings.Replace(file, `\"old_key\":\"`+keys[0], `\"old_key\":\"`+keys[1], 1),
		"new key":  strings.Replace(file, `\"new_key\":\"`+keys[1], `\"new_key\":\"`+keys[2], 1),
		"proof":    strings.Replace(file, `"proof":["`, `"proof":["00`, 1),
		"the last": strings.Replace(file, `"public_key":"`+keys[2], `"public_key":"`+keys[1], 1),
	} {
		if forged == file {
			t.Fatalf("%s: nothing was changed", name)
		}
		r, err := VerifyEvidence(strings.NewReader(forged), EvidenceChecks{PublicKey: keys[0]})
		if err == nil && (r.OK || !slices.ContainsFunc(r.Findings, func(f Finding) bool {
			return f.Code == CodeKeyChain || f.Code == CodeForeignKey || f.Code == CodeCheckpointSign
		})) {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// TestRotationSurvivesEveryCut ends a rotation at each write of it, and by a power cut at each, and lets the next owner complete it.
func TestRotationSurvivesEveryCut(t *testing.T) {
	var before, after int
	for cut := int64(0); ; cut++ {
		mem := vfs.NewCrashableMem()
		var writes, armed atomic.Int64
		var disk *vfs.MemFS
		inject := errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && armed.Load() != 0 && writes.Add(1)-1 == cut {
				disk = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: int(cut*37) % 101, RNG: rand.New(rand.NewPCG(uint64(cut), 3))})
			}
			return nil
		})
		l := openTest(t, "ledger", memory(errorfs.Wrap(mem, inject)))
		first := l.PublicKey()
		appendTest(t, l, prompts("s", 1, 9)...)
		checkpointTest(t, l)
		armed.Store(1)
		_, next := rotateTest(t, l)
		checkpointTest(t, l)
		armed.Store(0)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if disk == nil { // no write is left
			if cut < 8 || before == 0 || after == 0 {
				t.Fatalf("%d cuts, %d before and %d after the event: the test no longer reaches the steps", cut, before, after)
			}
			t.Logf("%d cuts: %d before the event, %d after it", cut, before, after)
			return
		}
		reader, err := OpenReadOnly("ledger", memory(disk)) // also before an owner completes what was begun
		if err != nil {
			t.Fatalf("cut %d: %v", cut, err)
		}
		mustBeGreen(t, reader)
		if err := reader.Close(); err != nil {
			t.Fatal(err)
		}
		l = openTest(t, "ledger", memory(disk))
		recorded := l.Tree().Size == 10
		appendTest(t, l, prompts("t", 1, 1)...)
		checkpointTest(t, l)
		if want := map[bool]string{false: first, true: next}[recorded]; l.PublicKey() != want {
			t.Fatalf("cut %d: recorded %t, and it signs with %s", cut, recorded, l.PublicKey())
		}
		if recorded {
			after++
		} else {
			before++
		}
		mustBeGreen(t, l)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = openTest(t, "ledger", memory(disk))
		mustBeGreen(t, l)
		rotateTest(t, l)
		checkpointTest(t, l)
		mustBeGreen(t, l)
		names, _ := disk.List("ledger/keys")
		if len(names) != 3 {
			t.Errorf("cut %d: keys directory has %q", cut, names)
		}
	}
}

// TestABackupGoesOnAfterARotation: the log is the same, whatever its key.
func TestABackupGoesOnAfterARotation(t *testing.T) {
	dir, to := t.TempDir(), t.TempDir()
	l := openTest(t, dir, Options{})
	appendTest(t, l, prompts("s", 1, 5)...)
	checkpointTest(t, l)
	if _, err := Backup(t.Context(), dir, to, nil); err != nil {
		t.Fatal(err)
	}
	_, next := rotateTest(t, l)
	checkpointTest(t, l)
	r, err := Backup(t.Context(), dir, to, nil)
	if err != nil || r.PublicKey != next || r.Since == "" {
		t.Fatalf("%+v %v", r, err)
	}
}
