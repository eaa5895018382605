package ledger

import (
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// guardFS keeps Pebble from ending the process. Pebble panics, in part with locks in a state that
// recover cannot save, when it cannot end or begin a write-ahead log or sync its directory
// (DB.rotateWAL, atomicfs.Marker.Move in v2.1.7). Here such a failure is reported at once and the
// goroutine that met it is parked for ever: nothing may come after it, and everybody who waits
// gets ErrFailed. What its manifest does not take is parked too: Pebble would flush the same records again (versionSet.UpdateVersionLocked returns the
// error), and a manifest that took both tables after all makes a store that the next compaction panics on.
type guardFS struct {
	vfs.FS
	health *health
	logs   *logReuse
}

// logReuse says whether a write-ahead log may be written over its predecessor, which leaves old bytes behind its end.
type logReuse struct{ off atomic.Bool }

func (g guardFS) park(what string, err error) {
	g.health.report(fmt.Errorf("store: %s: %w", what, err))
	g.health.park()
	select {}
}

// Create implements vfs.FS.
func (g guardFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if strings.HasPrefix(g.PathBase(name), manifestMarker) {
		g.manifestsFirst(g.PathDir(name))
	}
	f, err := g.FS.Create(name, c)
	if what := g.guarded(name); err != nil && what != "" {
		g.park("create "+what, err)
	}
	return g.guard(f, name), err
}

// ReuseForWrite implements vfs.FS.
func (g guardFS) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if g.logs != nil && g.logs.off.Load() {
		if err := g.FS.Remove(old); err != nil {
			g.park("remove write-ahead log", err)
		}
		return g.Create(name, c)
	}
	f, err := g.FS.ReuseForWrite(old, name, c)
	if err != nil && strings.HasSuffix(name, ".log") {
		g.park("reuse write-ahead log", err)
	}
	return g.guard(f, name), err
}

// OpenDir implements vfs.FS.
func (g guardFS) OpenDir(name string) (vfs.File, error) {
	f, err := g.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return guardDir{f, g}, nil
}

// Unwrap implements vfs.FS.
func (g guardFS) Unwrap() vfs.FS { return g.FS }

// manifestMarker begins the name of the file that says which manifest counts.
const manifestMarker = "marker.manifest."

// manifestsFirst syncs the directory before a marker comes into it. Pebble syncs it once for both, and a power cut before that may keep the marker
// and not the manifest, after which no store is found.
func (g guardFS) manifestsFirst(dir string) {
	d, err := g.OpenDir(dir)
	if err != nil {
		g.park("open directory", err)
	}
	_ = d.Sync() // a failure is parked there
	_ = d.Close()
}

// guarded says what a file is after whose failure nothing may come; empty for others.
func (g guardFS) guarded(path string) string {
	switch name := g.PathBase(path); {
	case strings.HasSuffix(name, ".log"):
		return "write-ahead log"
	case strings.HasPrefix(name, "MANIFEST-"), strings.HasPrefix(name, manifestMarker):
		return "manifest"
	}
	return ""
}

func (g guardFS) guard(f vfs.File, name string) vfs.File {
	what := g.guarded(name)
	if f == nil || what == "" {
		return f
	}
	return guardFile{f, g, what}
}

type guardFile struct {
	vfs.File
	fs   guardFS
	what string
}

func (f guardFile) check(err error) error {
	if err != nil {
		f.fs.park(f.what, err)
	}
	return nil
}

func (f guardFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	return n, f.check(err)
}

func (f guardFile) Sync() error     { return f.check(f.File.Sync()) }
func (f guardFile) SyncData() error { return f.check(f.File.SyncData()) }
func (f guardFile) Close() error    { return f.check(f.File.Close()) }

func (f guardFile) SyncTo(length int64) (bool, error) {
	full, err := f.File.SyncTo(length)
	return full, f.check(err)
}

type guardDir struct {
	vfs.File
	fs guardFS
}

func (d guardDir) Sync() error {
	if err := d.File.Sync(); err != nil {
		d.fs.park("sync directory", err)
	}
	return nil
}
