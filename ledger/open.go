package ledger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// formatVersion is the version of a new directory; see doc/ledger-format.md. One of an older version, from oldestFormat on, is read and goes on being
// written as it is, until Migrate.
const (
	formatVersion = 3
	oldestFormat  = 1
)

const formatLine = "proctor ledger "

// Names in the directory.
const (
	storeDir       = "db"
	keysDir        = "keys"
	formatFile     = "format"
	ownerFile      = "owner"
	checkpointFile = "checkpoints"
	claimsDir      = "claims"
)

// Exists reports whether there is a ledger in dir, of whatever format.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, formatFile))
	return err == nil
}

// Open opens the ledger in dir, and creates it when there is none. It fails with ErrInUse while
// another process has it open, and with ErrFormat when a newer program wrote it. A ledger whose
// tree is not what was signed (ErrDamaged, ErrRolledBack) opens, so that it can be read and
// verified, but takes nothing.
func Open(dir string, opts Options) (*Ledger, error) {
	opts = opts.withDefaults()
	l := &Ledger{
		dir: dir, opts: opts, queue: newQueue(),
		groups: make(chan group, maxInFlight), down: make(chan struct{}),
		closing: make(chan struct{}), purges: purger{wanted: make(chan struct{}, 1)},
	}
	if err := l.acquire(); err != nil {
		return nil, err
	}
	if err := l.load(); err != nil {
		if !errors.Is(err, errStuck) {
			_ = l.lock.Close()
		}
		return nil, fmt.Errorf("open ledger %q: %w", dir, err)
	}
	return l, nil
}

// acquire makes the directory, takes its lock and says who has it.
func (l *Ledger) acquire() error {
	fs := l.opts.FS
	store := fs.PathJoin(l.dir, storeDir)
	if err := mkdir(fs, l.dir); err != nil {
		return fmt.Errorf("create ledger %q: %w", l.dir, err)
	}
	var err error
	if l.format, err = checkFormat(fs, fs.PathJoin(l.dir, formatFile)); err != nil {
		return fmt.Errorf("open ledger %q: %w", l.dir, err)
	}
	if err := mkdir(fs, store); err != nil {
		return fmt.Errorf("create ledger %q: %w", l.dir, err)
	}
	lock, err := pebble.LockDirectory(store, fs)
	if err != nil {
		if held(err) {
			return &InUseError{Dir: l.dir, PID: owner(fs, fs.PathJoin(l.dir, ownerFile))}
		}
		return fmt.Errorf("lock ledger %q: %w", l.dir, err)
	}
	l.lock = lock
	if err := writeFile(fs, fs.PathJoin(l.dir, ownerFile), strconv.Itoa(os.Getpid())+"\n", false); err != nil {
		_ = lock.Close()
		return fmt.Errorf("open ledger %q: name the owner: %w", l.dir, err)
	}
	return nil
}

// held tells a lock of another process or of this one from a directory that cannot be locked.
func held(err error) bool {
	return errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) && !errors.As(err, new(*os.PathError)) ||
		strings.Contains(err.Error(), "lock held by current process") // vfs has no sentinel for it
}

func owner(fs vfs.FS, path string) int {
	b, err := readFile(fs, path, 64)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid < 0 {
		return 0
	}
	return pid
}

// checkFormat gives the version of a directory, and refuses one that it does not know; a missing file is a new ledger.
func checkFormat(fs vfs.FS, path string) (version int, err error) {
	b, err := readFile(fs, path, 256)
	if errors.Is(err, os.ErrNotExist) {
		return formatVersion, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read format: %w", err)
	}
	v, ok := strings.CutPrefix(strings.TrimSpace(string(b)), formatLine)
	if version, err = strconv.Atoi(v); !ok || err != nil || version < oldestFormat || version > formatVersion {
		return 0, fmt.Errorf("the directory has format %q, this program knows up to %q: %w", strings.TrimSpace(string(b)), formatLine+strconv.Itoa(formatVersion), ErrFormat)
	}
	return version, nil
}

// load opens everything under the lock and starts the goroutines.
func (l *Ledger) load() (err error) {
	fs := l.opts.FS
	if l.keys, err = loadKeys(fs, fs.PathJoin(l.dir, keysDir)); err != nil {
		return err
	}
	h := newHealth(l.opts.Logger)
	l.health = h
	if err := l.openStore(); err != nil {
		return err
	}
	tree, edge, damage, err := l.loadTree()
	if err == nil {
		damage, err = l.loadSigning(damage)
	}
	if err == nil {
		err = l.writeFormat()
	}
	if err == nil {
		err = h.err()
	}
	if err != nil {
		return errors.Join(err, l.closeStore())
	}
	ids, err := loadRecent(l.db)
	if err != nil {
		return errors.Join(fmt.Errorf("read newest event id: %w", err), l.closeStore())
	}
	holds, err := loadHolds(l.db)
	if err != nil {
		return errors.Join(err, l.closeStore())
	}
	l.durable.Store(&tree)
	if damage != nil {
		l.fail(damage)
	}
	h.attach(l.fail)
	l.committer = newCommitter(l, edge, ids, holds)
	l.start()
	return nil
}

// loadTree reads the head and the right edge. damage is why nothing may be added to them.
func (l *Ledger) loadTree() (tree Tree, edge frontier, damage, err error) {
	if tree, err = loadHead(l.db); err != nil {
		return tree, edge, nil, err
	}
	count, err := entryCount(l.db)
	if err != nil {
		return tree, edge, nil, err
	}
	if count != tree.Size {
		damage = fmt.Errorf("head names %d entries, %d are stored: %w", tree.Size, count, ErrDamaged)
	}
	edge, err = l.loadFrontier(tree.Size)
	switch {
	case errors.Is(err, ErrDamaged):
		return tree, edge, err, nil
	case err != nil:
		return tree, edge, nil, err
	case edge.root() != tree.Root:
		damage = fmt.Errorf("tiles give root %s, head names %s: %w", edge.root(), tree.Root, ErrDamaged)
	}
	if damage == nil {
		damage, err = l.points.load(l, tree)
	}
	return tree, edge, damage, err
}

// writeFormat marks a new directory, last, so that a marked one is complete.
func (l *Ledger) writeFormat() error {
	fs := l.opts.FS
	path := fs.PathJoin(l.dir, formatFile)
	if _, err := fs.Stat(path); err == nil {
		return nil
	}
	if err := writeFile(fs, path, formatLine+strconv.Itoa(l.format)+"\n", true); err != nil {
		return fmt.Errorf("write format: %w", err)
	}
	return nil
}

func (l *Ledger) start() {
	synced := make(chan struct{})
	l.work.Go(l.committer.run)
	l.work.Go(func() { defer close(synced); l.syncLoop() })
	l.work.Go(func() { l.watch(synced) })
	l.work.Go(func() { l.points.run(l) })
	l.work.Go(func() { l.purges.run(l) })
	l.work.Go(func() { l.indexes.run(l) })
}

// openStore opens Pebble, which hangs when it cannot write what it replays.
func (l *Ledger) openStore() error {
	fs := l.opts.FS
	var db *pebble.DB
	var err error
	ok := l.health.guard(func() {
		db, err = openPebble(fs, fs.PathJoin(l.dir, storeDir), l.lock, l.health, &l.purges.reuse)
	}, func() {
		if err == nil {
			_ = db.Close()
		}
		_ = l.lock.Close()
	})
	if !ok {
		return errors.Join(l.health.err(), errStuck)
	}
	l.db = db
	return err
}

// memTables is how many memtables may exist before writes wait.
const memTables = 3

// openPebble opens Pebble with a small footprint: this process lives next to a build.
// Without reuse it is for reading only.
func openPebble(fs vfs.FS, dir string, lock *pebble.Lock, h *health, reuse *logReuse) (db *pebble.DB, err error) {
	readOnly := reuse == nil
	cache := pebble.NewCache(8 << 20)
	defer cache.Unref()
	opts := &pebble.Options{
		FS: guardFS{fs, h, reuse}, Lock: lock, ReadOnly: readOnly, Logger: h, EventListener: h.listener(), Cache: cache,
		// Pinned: a newer format would lock out older programs. This one tells a torn end of the WAL from damage in it.
		FormatMajorVersion:          pebble.FormatWALSyncChunks,
		MemTableSize:                4 << 20,
		MemTableStopWritesThreshold: memTables,
		MaxOpenFiles:                128,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 1 },
		// Every run leaves one table in level 0. Merging them costs a short run more than all its records, and
		// reading two dozen small tables costs little.
		L0CompactionThreshold: 24,
		L0StopWritesThreshold: 64,
	}
	for i := range opts.Levels {
		opts.Levels[i].BlockSize = 16 << 10                  // against 4 KB, a tenth less on the disk and half the time to read one after the other
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(10) // an event id is looked up before it is new
	}
	defer func() {
		if r := recover(); r != nil { // Pebble panics when it cannot sync its directory
			db, err = nil, fmt.Errorf("open store: %v", r)
		}
	}()
	_, err = fs.Stat(fs.PathJoin(fs.PathDir(dir), formatFile))
	if errors.Is(err, os.ErrNotExist) && !readOnly {
		// Pebble begins a new store, and its first write-ahead log, in its oldest format: open it twice.
		if db, err = pebble.Open(dir, opts.Clone()); err == nil {
			err = db.Close()
		}
	}
	if err == nil {
		db, err = pebble.Open(dir, opts)
	}
	if err != nil && h.err() != nil {
		err = errors.Join(err, h.err())
	}
	return db, err
}
