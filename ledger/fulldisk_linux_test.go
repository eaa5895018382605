package ledger

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"proctor/event"
)

// TestFullDisk fills a small file system: the append that does not fit fails within a second.
func TestFullDisk(t *testing.T) {
	if !inChild(t) {
		return
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=6m"); err != nil {
		t.Skipf("needs CAP_SYS_ADMIN to mount a tmpfs: %v", err)
	}
	defer func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) }()
	l, err := Open(filepath.Join(dir, "ledger"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var given []event.Receipt
	for i := 0; ; i++ {
		start := time.Now()
		r, err := l.Append(context.Background(), output("s", uint64(2*i+1)), output("s", uint64(2*i+2)))
		if err != nil {
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("the failing append took %v", took)
			}
			break
		}
		if given = append(given, r...); i > 1e5 {
			t.Fatal("the disk does not fill")
		}
	}
	if err := l.Err(); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("failure: %v", err)
	}
	entries, err := l.Read(context.Background(), given[len(given)-1].Seq, 10)
	if err != nil || len(entries) != 1 {
		t.Errorf("%d entries after the last receipt, %v", len(entries), err)
	}
	start := time.Now()
	closed := l.Close()
	if took := time.Since(start); took > stuckAfter+20*time.Second {
		t.Errorf("close took %v", took)
	}
	t.Logf("after %d entries: %v; close: %v", len(given), l.Err(), closed)

	// The broken store keeps its lock until the process ends, so look at a copy.
	copied := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(copied, os.DirFS(filepath.Join(dir, "ledger"))); err != nil {
		t.Fatal(err)
	}
	l, err = Open(copied, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	mustBeGreen(t, l)
	if n := l.Tree().Size; n < uint64(len(given)) {
		t.Fatalf("%d entries, %d receipts were given", n, len(given))
	}
}
