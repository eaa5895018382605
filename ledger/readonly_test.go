package ledger

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"proctor/event"
)

// TestReadingBesideAnOwner opens the ledger again and again while its owner writes as fast as it can: each view
// has every receipt given before, is whole, and verifies.
func TestReadingBesideAnOwner(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(dir, Options{CheckpointEvery: 64})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var last event.Receipt
	var gate sync.RWMutex // nothing is written while a view is verified, which would never end otherwise
	stop := make(chan struct{})
	var writing sync.WaitGroup
	for _, session := range []string{"a", "b", "c", "d"} {
		writing.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				gate.RLock()
				receipts, err := l.Append(context.Background(), prompt(session, 0, "a"), output(session, 0))
				gate.RUnlock()
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if receipts[1].Seq > last.Seq {
					last = receipts[1]
				}
				mu.Unlock()
			}
		})
	}
	for range 25 {
		mu.Lock()
		promised := last
		mu.Unlock()
		r, err := OpenReadOnly(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if size := r.Tree().Size; size%2 != 0 || promised.Leaf != (event.Hash{}) && size <= uint64(promised.Seq) {
			t.Errorf("the view has %d entries, entry %d was promised, and submissions have two", size, promised.Seq)
		}
		gate.Lock()
		mustBeGreen(t, r)
		gate.Unlock()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	writing.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestReadingChangesNothing compares the directory before and after, and tries every way to write.
func TestReadingChangesNothing(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(context.Background(), prompt("s", 0, "a")); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	before := listing(t, dir)
	r, err := OpenReadOnly(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Append(context.Background(), prompt("s", 0, "b")); !errors.Is(err, ErrReadOnly) {
		t.Errorf("append: %v", err)
	}
	if err := r.Settle("x", 1, nil, false); !errors.Is(err, ErrReadOnly) {
		t.Errorf("set cursor: %v", err)
	}
	if _, err := r.Checkpoint(context.Background()); !errors.Is(err, ErrReadOnly) {
		t.Errorf("checkpoint: %v", err)
	}
	if entries, err := r.Session(context.Background(), "s", 1, 10); err != nil || len(entries) != 1 || entries[0].Event == nil {
		t.Errorf("read: %v, %v", entries, err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if after := listing(t, dir); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
	if _, err := OpenReadOnly(t.TempDir(), Options{}); err == nil {
		t.Error("a folder without a ledger was opened")
	}
}

func listing(t *testing.T, dir string) (text string) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && !d.IsDir() {
			b, rerr := os.ReadFile(path)
			text += path + " " + info.Mode().String() + " " + sum(b).String() + "\n"
			err = rerr
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return text
}

func TestASessionIsClaimedOnce(t *testing.T) {
	dir := t.TempDir()
	release, err := Claim(dir, "s")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Claim(dir, "s"); !errors.Is(err, ErrClaimed) {
		t.Errorf("second claim: %v", err)
	}
	release()
	if release, err = Claim(dir, "s"); err != nil {
		t.Fatal(err)
	}
	release()
	if left, err := os.ReadDir(filepath.Join(dir, claimsDir)); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
