package ledger

import (
	"errors"
	"math/rand/v2"
	"path"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// TestAFailedManifestIsTheEnd lets one sync of the manifest fail, which may reach the disk all the same. A second attempt to flush would then
// make a store that has each record twice, and panics when it merges them.
func TestAFailedManifestIsTheEnd(t *testing.T) {
	if !inChild(t) { // a goroutine of Pebble is parked
		return
	}
	mem := vfs.NewCrashableMem()
	var once atomic.Bool
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		sync := op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData
		if sync && strings.HasPrefix(path.Base(op.Path), "MANIFEST-") && once.CompareAndSwap(true, false) {
			return syscall.EIO
		}
		return nil
	}))
	l := openTest(t, "ledger", memory(fs))
	receipts := appendTest(t, l, prompts("s", 1, 20)...)
	once.Store(true)
	go func() { _ = l.db.Flush() }()
	<-l.down
	if err := l.Close(); !errors.Is(err, ErrFailed) && !errors.Is(err, errStuck) {
		t.Errorf("closed: %v", err)
	}
	disk := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
	again := openTest(t, "ledger", memory(disk))
	if err := again.db.Compact(t.Context(), []byte{0}, []byte{0xff}, false); err != nil {
		t.Error(err)
	}
	if n := again.Tree().Size; n != uint64(len(receipts)) {
		t.Errorf("%d entries of %d", n, len(receipts))
	}
	mustBeGreen(t, again)
}

// TestAMarkerComesAfterItsManifest looks at the disk as after a power cut at the moment a marker is made: the manifest that it names is there.
func TestAMarkerComesAfterItsManifest(t *testing.T) {
	mem := vfs.NewCrashableMem()
	var disks []*vfs.MemFS
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpCreate && strings.HasPrefix(path.Base(op.Path), manifestMarker) {
			disks = append(disks, mem.CrashClone(vfs.CrashCloneCfg{}))
			name := op.Path[strings.LastIndex(op.Path, "MANIFEST-"):]
			if _, err := disks[len(disks)-1].Stat(path.Join(path.Dir(op.Path), name)); err != nil {
				t.Errorf("marker %s: %v", path.Base(op.Path), err)
			}
		}
		return nil
	}))
	l := openTest(t, "ledger", memory(fs))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if len(disks) < 2 {
		t.Errorf("%d markers were made, expected one at least for each time that the store was opened", len(disks))
	}
}
