package ledger

import (
	"context"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"proctor/event"
)

// TestFlippedBytesNeverLoseReceiptsSilently flips one byte of one file after a crash. The ledger may
// refuse to open, Verify may complain, or nothing may be lost: all entries there and green.
func TestFlippedBytesNeverLoseReceiptsSilently(t *testing.T) {
	noticed, harmless := 0, 0
	for _, flushed := range []bool{false, true} {
		disk, receipts := crashed(t, flushed)
		for _, path := range files(t, disk, "ledger/db") {
			size := len(content(t, disk, path))
			random := rand.New(rand.NewPCG(uint64(size), 7))
			for range min(size, 12) {
				copied := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: random})
				at := random.IntN(size)
				flipByte(t, copied, path, at)
				if flippedGoesUnnoticed(t, copied, receipts) {
					harmless++
					if got := count(t, copied); got < len(receipts) {
						t.Errorf("flushed=%t, byte %d of %s: %d of %d entries are left, and nobody noticed", flushed, at, path, got, len(receipts))
					}
				} else {
					noticed++
				}
			}
		}
	}
	t.Logf("%d noticed, %d harmless", noticed, harmless)
	if noticed < 20 {
		t.Fatal("the flips do not reach the data")
	}
}

// crashed is a disk with entries and without a checkpoint, as after kill -9.
func crashed(t *testing.T, flushed bool) (*vfs.MemFS, []event.Receipt) {
	t.Helper()
	fs := vfs.NewCrashableMem()
	l := openTest(t, "ledger", memory(fs))
	var receipts []event.Receipt
	for i := range 40 {
		receipts = append(receipts, appendTest(t, l, prompts("s", 2*i+1, 2)...)...)
		if flushed && i == 30 {
			if err := l.db.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	return fs.CrashClone(vfs.CrashCloneCfg{}), receipts
}

func flippedGoesUnnoticed(t *testing.T, fs vfs.FS, receipts []event.Receipt) bool {
	t.Helper()
	l, err := Open("ledger", memory(fs))
	if err != nil {
		return false
	}
	defer l.Close()
	r, err := l.Verify(context.Background(), VerifyOptions{})
	return err == nil && r.OK
}

func count(t *testing.T, fs vfs.FS) int {
	t.Helper()
	l := openTest(t, "ledger", memory(fs))
	defer l.Close()
	return int(l.Tree().Size)
}

func files(t *testing.T, fs vfs.FS, dir string) []string {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, n := range names {
		if strings.HasSuffix(n, ".log") || strings.HasSuffix(n, ".sst") || strings.HasPrefix(n, "MANIFEST") {
			out = append(out, fs.PathJoin(dir, n))
		}
	}
	return out
}

func content(t *testing.T, fs vfs.FS, path string) []byte {
	t.Helper()
	f, err := fs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func flipByte(t *testing.T, fs vfs.FS, path string, at int) {
	t.Helper()
	b := content(t, fs, path)
	f, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{b[at] ^ 0x10}, int64(at)); err != nil {
		t.Fatal(err)
	}
}
