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
// gets ErrFailed.
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
	f, err := g.FS.Create(name, c)
	if err != nil && strings.HasSuffix(name, ".log") {
		g.park("create write-ahead log", err)
	}
	return g.log(f, name), err
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
	return g.log(f, name), err
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

// log guards write-ahead logs and leaves other files alone.
func (g guardFS) log(f vfs.File, name string) vfs.File {
	if f == nil || !strings.HasSuffix(name, ".log") {
		return f
	}
	return guardLog{f, g}
}

type guardLog struct {
	vfs.File
	fs guardFS
}

func (l guardLog) check(err error) error {
	if err != nil {
		l.fs.park("write-ahead log", err)
	}
	return nil
}

func (l guardLog) Write(p []byte) (int, error) {
	n, err := l.File.Write(p)
	return n, l.check(err)
}

func (l guardLog) Sync() error     { return l.check(l.File.Sync()) }
func (l guardLog) SyncData() error { return l.check(l.File.SyncData()) }
func (l guardLog) Close() error    { return l.check(l.File.Close()) }

func (l guardLog) SyncTo(length int64) (bool, error) {
	full, err := l.File.SyncTo(length)
	return full, l.check(err)
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
