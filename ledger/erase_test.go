package ledger

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"proctor/event"
)

func TestErasedSessionKeepsItsProofs(t *testing.T) {
	dir := t.TempDir()
	l := openTest(t, dir, Options{})
	appendTest(t, l, prompts("secret", 1, 40)...)
	appendTest(t, l, prompts("other", 1, 3)...)
	wrapped, err := get(l.db, nameKey(prefixKey, "secret"))
	if err != nil || wrapped == nil {
		t.Fatal(err)
	}
	before := l.Tree()
	n, err := l.EraseSession(context.Background(), "secret")
	if err != nil || n != 40 {
		t.Fatalf("%d %v", n, err)
	}
	if l.Tree() != before {
		t.Fatal("the tree changed")
	}
	text := func(session string, number uint64) (string, bool) {
		e, err := l.Session(context.Background(), session, number, 1)
		if err != nil || len(e) != 1 || e[0].Event == nil {
			t.Fatalf("%d entries, %v", len(e), err)
		}
		return e[0].Event.Payload.(*event.UserPromptPayload).Prompt.Reveal()
	}
	if s, ok := text("secret", 7); ok {
		t.Fatalf("erased text is readable: %q", s)
	}
	if s, ok := text("other", 2); !ok || s != "do thing 2 of other" {
		t.Fatalf("text of another session: %q", s)
	}
	appendTest(t, l, prompt("secret", 41, "after"))
	if s, ok := text("secret", 41); !ok || s != "after" {
		t.Fatalf("text recorded after the erasure: %q", s)
	}
	r := mustBeGreen(t, l)
	if len(r.Findings) == 0 || r.Findings[0].Code != CodeContentErased {
		t.Fatalf("findings: %s", show(r))
	}
	info, err := l.SessionInfo(context.Background(), "secret")
	if err != nil || !info.Erased {
		t.Fatalf("%+v %v", info, err)
	}
	if _, err := l.EraseSession(context.Background(), "nobody"); !errors.Is(err, ErrUnknownSession) {
		t.Fatalf("erase an unknown session: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range tables(t, dir) {
		b, err := os.ReadFile(path)
		if err != nil || bytes.Contains(b, wrapped[nonceSize:]) {
			t.Errorf("table %s still holds the wrapped key (%v)", filepath.Base(path), err)
		}
	}
	l = openTest(t, dir, Options{})
	mustBeGreen(t, l)
}

// TestContentIsNotOnDiskInClear looks into every file of the ledger.
func TestContentIsNotOnDiskInClear(t *testing.T) {
	dir := t.TempDir()
	l := openTest(t, dir, Options{})
	appendTest(t, l, prompt("s", 1, "a text that nobody else may read"))
	if err := l.db.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	found := 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		found++
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte("nobody else may read")) {
			t.Errorf("%s holds the text", path)
		}
		return err
	})
	if err != nil || found < 8 {
		t.Fatalf("%d files, %v", found, err)
	}
}

func tables(t *testing.T, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "db", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range all {
		if strings.HasSuffix(p, ".sst") {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		t.Fatal("no tables")
	}
	return out
}
