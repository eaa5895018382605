package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"proctor/event"
)

// eraseTest erases a session and waits until its bytes are gone.
func eraseTest(t testing.TB, l *Ledger, session string) {
	t.Helper()
	appendTest(t, l, erasure(session))
	if err := l.Purge(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
}

func erasure(session string) *event.Event {
	return newEvent("system", 0, "", &event.ErasurePayload{Erased: session, Reason: "asked for"})
}

func TestErasedSessionKeepsItsProofs(t *testing.T) {
	l := openTest(t, t.TempDir(), Options{})
	appendTest(t, l, prompts("secret", 1, 40)...)
	appendTest(t, l, prompts("other", 1, 3)...)
	eraseTest(t, l, "secret")
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
}

// A commit may hold an erasure and, before and behind it, events of the session that it erases.
func TestErasureInTheMiddleOfAGroup(t *testing.T) {
	l := openMem(t)
	appendTest(t, l, prompts("s", 1, 3)...)
	blocked, block := make(chan struct{}), make(chan struct{})
	go func() {
		_ = l.write(context.Background(), true, func(batch) error { close(blocked); <-block; return nil })
	}()
	<-blocked // what comes now waits, and is one group
	var answers sync.WaitGroup
	submit := func(events ...*event.Event) {
		answers.Add(1)
		l.submit(l.encodeOp(events, func(_ []event.Receipt, err error) {
			if err != nil {
				t.Error(err)
			}
			answers.Done()
		}))
	}
	submit(prompt("s", 4, "before"))
	submit(erasure("s"))
	submit(prompt("s", 5, "behind"), prompt("s", 6, "behind that"))
	close(block)
	answers.Wait()
	entries, err := l.Session(t.Context(), "s", 1, 10)
	if err != nil || len(entries) != 6 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	var texts []string
	for _, e := range entries {
		text, _ := e.Event.Payload.(*event.UserPromptPayload).Prompt.Reveal()
		texts = append(texts, text)
	}
	if got := strings.Join(texts, "|"); got != "||||behind|behind that" {
		t.Fatalf("texts %q", got)
	}
	mustBeGreen(t, l)
}

// TestErasedBytesAreInNoFile looks for what the store held of a session, ciphertext and wrapped key, in every file of the
// directory: in tables, logs that wait to be reused, and the log in use.
func TestErasedBytesAreInNoFile(t *testing.T) {
	for _, reopened := range []bool{false, true} {
		t.Run(fmt.Sprintf("reopened=%v", reopened), func(t *testing.T) {
			dir := t.TempDir()
			l := openTest(t, dir, Options{})
			appendTest(t, l, prompts("secret", 1, 300)...)
			for range 4 { // so that logs of then wait to be reused, and one is
				if err := l.db.Flush(); err != nil {
					t.Fatal(err)
				}
				appendTest(t, l, prompt("secret", 0, "and more"), prompt("other", 0, "this stays"))
			}
			gone, kept := storedContent(t, l, "secret"), storedContent(t, l, "other")
			if len(gone) != 305 || len(kept) != 5 {
				t.Fatalf("%d and %d values", len(gone), len(kept))
			}
			if found(t, dir, gone) == 0 || found(t, dir, kept) == 0 {
				t.Fatal("the search finds nothing before the erasure")
			}
			if reopened { // killed behind the commit, the next process does the rest
				l.purges.mu.Lock()
				appendTest(t, l, erasure("secret"))
				copied := filepath.Join(t.TempDir(), "copy")
				if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
					t.Fatal(err)
				}
				l.purges.mu.Unlock()
				if found(t, copied, gone) == 0 {
					t.Fatal("gone before the purge: the test shows nothing")
				}
				dir, l = copied, openTest(t, copied, Options{})
				if err := l.Purge(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
			} else {
				eraseTest(t, l, "secret")
			}
			if n := found(t, dir, gone); n > 0 {
				t.Errorf("%d values are found in the files of the open ledger", n)
			}
			if left, err := l.Unpurged(); err != nil || len(left) > 0 {
				t.Errorf("left to purge: %v %v", left, err)
			}
			mustBeGreen(t, l)
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if n := found(t, dir, gone); n > 0 {
				t.Errorf("%d values are found after the end", n)
			}
			mustBeGreen(t, openTest(t, dir, Options{}))
		})
	}
}

// storedContent is what the store holds of a session that erasing must remove.
func storedContent(t *testing.T, l *Ledger, session string) (values [][]byte) {
	t.Helper()
	wrapped, err := get(l.db, nameKey(prefixKey, session))
	if err != nil || wrapped == nil {
		t.Fatal(err)
	}
	values = append(values, wrapped[nonceSize:])
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: nameKey(prefixContent, session+"\x00"), UpperBound: sessionEnd(prefixContent, session)})
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		values = append(values, bytes.Clone(it.Value()[nonceSize:]))
	}
	return values
}

// found counts the values that are somewhere in a file below dir. Pebble may cut a value between two blocks, so half of one counts.
func found(t *testing.T, dir string, values [][]byte) (n int) {
	t.Helper()
	var all []byte
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all = append(append(all, b...), "////"...)
		if errors.Is(err, os.ErrNotExist) { // the store removes files beside
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range values {
		if bytes.Contains(all, v[:len(v)/2]) || bytes.Contains(all, v[len(v)/2:]) {
			n++
		}
	}
	return n
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
