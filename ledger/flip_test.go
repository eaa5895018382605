package ledger

import (
	"context"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestFlippedBytesNeverLoseReceiptsSilently flips one byte of one file after a crash. The ledger may
// refuse to open, Verify may complain, or nothing may be lost. The end of the write-ahead log
// above the newest checkpoint is the exception that doc/ledger-format.md names.
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
				if flippedGoesUnnoticed(t, copied) {
					harmless++
					if got := count(t, copied); got < receipts {
						t.Errorf("flushed=%t, byte %d of %s: %d of %d signed entries are left, and nobody noticed", flushed, at, path, got, receipts)
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

// TestFlippedByteBeforeTheEndOfTheLog needs no checkpoint: later parts of the log tell that there was more.
func TestFlippedByteBeforeTheEndOfTheLog(t *testing.T) {
	fs := vfs.NewCrashableMem()
	l := openTest(t, "ledger", memory(fs))
	for i := range 250 {
		appendTest(t, l, output("s", uint64(i+1)))
	}
	disk := fs.CrashClone(vfs.CrashCloneCfg{})
	for _, path := range files(t, disk, "ledger/db") {
		if size := len(content(t, disk, path)); !strings.HasSuffix(path, ".log") || size < 3*32<<10 {
			continue
		}
		for at := 100; at < 32<<10; at += 3001 {
			copied := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
			flipByte(t, copied, path, at)
			if flippedGoesUnnoticed(t, copied) {
				t.Errorf("byte %d of %s: nobody noticed", at, path)
			}
		}
		return
	}
	t.Fatal("no log is long enough")
}

// crashed is a disk as after a power cut, and how many of its entries are signed for.
func crashed(t *testing.T, flushed bool) (*vfs.MemFS, int) {
	t.Helper()
	fs := vfs.NewCrashableMem()
	l := openTest(t, "ledger", memory(fs))
	signed := 0
	for i := range 80 {
		appendTest(t, l, prompts("s", 2*i+1, 2)...)
		if flushed && i == 30 {
			if err := l.db.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		if i == 70 {
			c, err := l.Checkpoint(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			signed = int(c.Size)
		}
	}
	return fs.CrashClone(vfs.CrashCloneCfg{}), signed
}

func flippedGoesUnnoticed(t *testing.T, fs vfs.FS) bool {
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
