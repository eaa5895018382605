package ledger

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A backup beside an owner that writes is the ledger of one moment; the next shares tables with it, and nothing with the ledger.
func TestBackupBesideAnOwnerAndRestore(t *testing.T) {
	home := t.TempDir()
	dir, to := filepath.Join(home, "ledger"), filepath.Join(home, "backups")
	l := openTest(t, dir, Options{})
	appendTest(t, l, prompts("a", 1, 500)...)
	if err := l.db.Flush(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	writing := make(chan error, 1)
	go func() {
		for i := 1; ctx.Err() == nil; i++ {
			if _, err := l.Append(context.Background(), prompt("b", uint64(i), "while it is copied")); err != nil {
				writing <- err
				return
			}
		}
		writing <- nil
	}()
	atLeast := l.Tree().Size
	var last uint64
	first, err := Backup(t.Context(), dir, to, func(done, total uint64) {
		if done > total || done < last {
			t.Errorf("progress %d of %d after %d", done, total, last)
		}
		last = done
	})
	if err != nil || first.Entries < atLeast || first.Linked != 0 || first.Since != "" || last == 0 {
		t.Fatalf("%+v %v, progress %d", first, err, last)
	}
	second, err := Backup(t.Context(), dir, to, nil)
	cancel()
	if err := <-writing; err != nil {
		t.Fatal(err)
	}
	if err != nil || second.Entries < first.Entries || second.Linked == 0 || second.Since != filepath.Base(first.Dir) {
		t.Fatalf("%+v %v", second, err)
	}
	tables, err := filepath.Glob(filepath.Join(second.Dir, "db", "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatal(err)
	}
	shared := 0
	for _, table := range tables {
		if same(t, table, filepath.Join(first.Dir, "db", filepath.Base(table))) {
			shared++
		}
		if same(t, table, filepath.Join(dir, "db", filepath.Base(table))) {
			t.Errorf("%s is the ledger's own file", table)
		}
	}
	if shared != second.Linked {
		t.Errorf("%d tables are shared, %d are said to be", shared, second.Linked)
	}
	back := filepath.Join(home, "restored", "ledger")
	r, err := Restore(t.Context(), to, back, nil)
	if err != nil || r.Entries != second.Entries || r.Dir != second.Dir {
		t.Fatalf("%+v %v", r, err)
	}
	again := openTest(t, back, Options{})
	mustBeGreen(t, again)
	if again.PublicKey() != l.PublicKey() || again.Tree().Root != second.Root {
		t.Error("another ledger came back")
	}
	entries, err := again.Session(t.Context(), "a", 500, 1)
	if err != nil || len(entries) != 1 || entries[0].Event == nil {
		t.Fatal(err)
	}
	appendTest(t, again, prompt("a", 501, "it goes on"))
	mustBeGreen(t, again)
}

func same(t *testing.T, a, b string) bool {
	t.Helper()
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

func TestRestoreRefuses(t *testing.T) {
	home := t.TempDir()
	dir, to := filepath.Join(home, "ledger"), filepath.Join(home, "backups")
	l := openTest(t, dir, Options{})
	appendTest(t, l, prompts("a", 1, 50)...)
	if err := l.db.Flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	b, err := Backup(t.Context(), dir, to, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), to, dir, nil); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("over a ledger: %v", err)
	}
	if _, err := Restore(t.Context(), home, filepath.Join(home, "new"), nil); !errors.Is(err, ErrNoBackup) {
		t.Errorf("from something else: %v", err)
	}
	if _, err := Backup(t.Context(), dir, filepath.Join(dir, "b"), nil); err == nil {
		t.Error("a backup went into the ledger")
	}
	other := filepath.Join(home, "other")
	_ = openTest(t, other, Options{}).Close()
	if _, err := Backup(t.Context(), other, to, nil); err == nil || !strings.Contains(err.Error(), "of another ledger") {
		t.Errorf("two ledgers in one folder: %v", err)
	}
	manifest := filepath.Join(b.Dir, manifestFile)
	good, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		old, new string
		want     error
		says     string
	}{
		"newer version": {`"proctor_backup": 1`, `"proctor_backup": 2`, ErrFormat, "version 2, this program knows 1"},
		"a way out":     {`"name": "checkpoints"`, `"name": "../checkpoints"`, ErrNoBackup, "../checkpoints"},
		"other root":    {`"root": "`, `"root": "00`, ErrNoBackup, ""},
		"other size":    {`"entries": 50`, `"entries": 51`, ErrDamaged, "expected 51"},
	} {
		changed := bytes.Replace(good, []byte(c.old), []byte(c.new), 1)
		if bytes.Equal(good, changed) {
			t.Fatalf("%s: nothing changed in %s", name, good)
		}
		if err := os.WriteFile(manifest, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Restore(t.Context(), to, filepath.Join(home, "new"), nil); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.WriteFile(manifest, good, 0o600); err != nil {
		t.Fatal(err)
	}
	tables, err := filepath.Glob(filepath.Join(b.Dir, "db", "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatal(err)
	}
	text, err := os.ReadFile(tables[0])
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(tables[0], text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), to, filepath.Join(home, "new"), nil); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), filepath.Base(tables[0])) {
		t.Errorf("a flipped bit: %v", err)
	}
	if r, err := Backup(t.Context(), dir, to, nil); err != nil || r.Linked != 0 { // what is damaged is not shared on
		t.Errorf("%+v %v", r, err)
	}
	if left, err := filepath.Glob(filepath.Join(home, "new*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := Restore(t.Context(), to, filepath.Join(home, "new"), nil); err != nil {
		t.Error(err)
	}
}

// Two owners of copies sign different histories with one key. Each alone is in order; a checkpoint of one, kept
// elsewhere, contradicts the other.
func TestCopiesThatWentOnDifferentlyAreTold(t *testing.T) {
	home := t.TempDir()
	one, two := filepath.Join(home, "one"), filepath.Join(home, "two")
	l := openTest(t, one, Options{})
	appendTest(t, l, prompts("a", 1, 10)...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(two, os.DirFS(one)); err != nil {
		t.Fatal(err)
	}
	kept := map[string][]string{}
	for _, dir := range []string{one, two} {
		l := openTest(t, dir, Options{})
		appendTest(t, l, prompt("a", 11, "in "+dir), prompt("a", 12, "more"))
		if dir == two {
			appendTest(t, l, prompt("a", 13, "one more"))
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(filepath.Join(dir, checkpointFile))
		if err != nil {
			t.Fatal(err)
		}
		if kept[dir], err = ReadCheckpoints(f); err != nil || len(kept[dir]) != 2 {
			t.Fatalf("%d checkpoints, %v", len(kept[dir]), err)
		}
		_ = f.Close()
	}
	check := func(dir, from, want string) {
		t.Helper()
		l := openTest(t, dir, Options{})
		defer l.Close()
		r, err := l.Verify(t.Context(), VerifyOptions{Known: kept[from]})
		if err != nil || r.Known != 2 {
			t.Fatalf("%+v %v", r, err)
		}
		var got string
		for _, f := range r.Findings {
			if f.Severity == SeverityError {
				got += f.Code
			}
		}
		if got != want {
			t.Errorf("%s against %s: %q, want %q", filepath.Base(dir), filepath.Base(from), got, want)
		}
	}
	check(one, one, "")
	check(two, two, "")
	check(two, one, CodeCheckpointFork)
	check(one, two, CodeCheckpointAhead)
}

func TestReadCheckpoints(t *testing.T) {
	l := openTest(t, t.TempDir(), Options{Now: clock})
	appendTest(t, l, supervised("s")...)
	c, err := l.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var evidence bytes.Buffer
	if _, err := l.Evidence(t.Context(), &evidence, "s", EvidenceOptions{}); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"note": c.Note, "evidence": evidence.String()} {
		notes, err := ReadCheckpoints(strings.NewReader(text))
		if err != nil || len(notes) != 1 || notes[0] != c.Note {
			t.Errorf("%s: %q %v", name, notes, err)
		}
	}
	for _, text := range []string{"", "{}", "hello\n", "{\"note\":\"x\"}\n"} {
		if _, err := ReadCheckpoints(strings.NewReader(text)); !errors.Is(err, ErrNoCheckpoints) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestABackupThatIsGivenUpLeavesNothing(t *testing.T) {
	home := t.TempDir()
	dir, to := filepath.Join(home, "ledger"), filepath.Join(home, "backups")
	l := openTest(t, dir, Options{})
	appendTest(t, l, prompts("a", 1, 50)...)
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := Backup(ctx, dir, to, func(uint64, uint64) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(to); err != nil || len(left) > 0 {
		t.Fatalf("left behind: %v %v", left, err)
	}
	if _, err := Restore(t.Context(), to, filepath.Join(home, "new"), nil); !errors.Is(err, ErrNoBackup) {
		t.Fatal(err)
	}
}
