package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"proctor/event"
)

// BackupVersion is the version of a backup that this program writes, and the only one it reads.
const BackupVersion = 1

const (
	manifestFile = "backup.json"
	backupStamp  = "20060102T150405.000000Z"
	partial      = ".partial"
)

// manifest is the file backup.json, written last: a folder without it is no backup.
type manifest struct {
	Version    int          `json:"proctor_backup"`
	Made       time.Time    `json:"made"`
	PublicKey  string       `json:"public_key"`
	Entries    uint64       `json:"entries"`
	Root       event.Hash   `json:"root"`
	Checkpoint uint64       `json:"checkpoint"` // entries below the newest signature
	Files      []backedFile `json:"files"`
}

type backedFile struct {
	Name string     `json:"name"` // with slashes
	Size int64      `json:"size"`
	Hash event.Hash `json:"sha256"`
}

// BackupReport says what a backup, or a restore, consists of.
type BackupReport struct {
	Dir         string     `json:"dir"`
	Made        time.Time  `json:"made"`
	Since       string     `json:"since,omitempty"` // the backup that this one shares files with
	Entries     uint64     `json:"entries"`
	Root        event.Hash `json:"root"`
	Checkpoint  uint64     `json:"checkpoint"`
	PublicKey   string     `json:"public_key"`
	Files       int        `json:"files"`
	Bytes       int64      `json:"bytes"`
	Linked      int        `json:"linked"`
	LinkedBytes int64      `json:"linked_bytes"`
}

// Progress is called with bytes, in the caller's goroutine.
type Progress func(done, total uint64)

// Backup copies the ledger in dir into a new folder below to, as it is at one moment, whether a process owns it or not:
// it asks nothing of that process and needs no lock. Files that the newest backup there has too, byte for byte, are hard
// links to it; nothing is linked to the ledger itself. The copy is opened before it counts. It holds the keys.
func Backup(ctx context.Context, dir, to string, progress Progress) (BackupReport, error) {
	r, err := backup(ctx, dir, to, progress)
	if err != nil {
		err = fmt.Errorf("back up ledger %q to %q: %w", dir, to, err)
	}
	return r, err
}

func backup(ctx context.Context, dir, to string, progress Progress) (report BackupReport, err error) {
	if rel, err := filepath.Rel(dir, to); err == nil && filepath.IsLocal(rel) {
		return report, errors.New("a backup does not go into the ledger itself")
	}
	l, err := OpenReadOnly(dir, Options{})
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if cause := l.Err(); !errors.Is(cause, ErrReadOnly) {
		return report, cause // damaged or rolled back: it must not take the place of a good backup
	}
	made := time.Now().UTC().Truncate(time.Microsecond)
	j := backupJob{ctx: ctx, from: dir, ledger: l, to: filepath.Join(to, made.Format(backupStamp)), progress: progress}
	if err := mkdir(vfs.Default, to); err != nil {
		return report, err
	}
	if j.last, err = newestBackup(to); err != nil && !errors.Is(err, os.ErrNotExist) {
		return report, err
	}
	if j.last != "" {
		report.Since = filepath.Base(j.last)
		if j.before, err = readManifest(j.last); err != nil {
			return report, err
		}
		if origin, _, _ := strings.Cut(j.before.PublicKey, "+"); origin != l.Origin() { // the key may have been rotated since
			return report, fmt.Errorf("%s is a backup of another ledger, of key %s; this one has %s: name another folder", j.last, j.before.PublicKey, l.PublicKey())
		}
	}
	tmp := j.to + partial
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	m, err := j.run(tmp)
	if err != nil {
		return report, err
	}
	m.Made = made
	if err := finishBackup(tmp, j.to, m); err != nil {
		return report, err
	}
	return m.report(j.to, report.Since, j.linked, j.linkedBytes), nil
}

// finishBackup makes a complete copy a backup.
func finishBackup(tmp, to string, m manifest) error {
	if err := sameTree(tmp, m); err != nil {
		return fmt.Errorf("check the copy: %w", err)
	}
	text, err := json.MarshalIndent(m, "", " ")
	if err == nil {
		err = writeFile(vfs.Default, filepath.Join(tmp, manifestFile), string(text)+"\n", true)
	}
	if err == nil {
		err = os.Rename(tmp, to)
	}
	if err == nil {
		err = syncDir(vfs.Default, filepath.Dir(to))
	}
	return err
}

// sameTree opens a copy and compares its head.
func sameTree(dir string, m manifest) error {
	l, err := OpenReadOnly(dir, Options{})
	if err != nil {
		return err
	}
	if t := l.Tree(); t != (Tree{m.Entries, m.Root}) || l.PublicKey() != m.PublicKey {
		err = fmt.Errorf("it has %d entries with root %s under key %s, expected %d with %s under %s: %w", t.Size, t.Root, l.PublicKey(), m.Entries, m.Root, m.PublicKey, ErrDamaged)
	} else if cause := l.Err(); !errors.Is(cause, ErrReadOnly) {
		err = cause
	}
	return errors.Join(err, l.Close())
}

func (m manifest) report(dir, since string, linked int, linkedBytes int64) BackupReport {
	r := BackupReport{Dir: dir, Made: m.Made, Since: since, Entries: m.Entries, Root: m.Root, Checkpoint: m.Checkpoint, PublicKey: m.PublicKey,
		Files: len(m.Files), Linked: linked, LinkedBytes: linkedBytes}
	for _, f := range m.Files {
		r.Bytes += f.Size
	}
	return r
}

// backupJob copies one ledger.
type backupJob struct {
	ctx      context.Context
	from, to string
	ledger   *Ledger
	last     string // the newest backup before, or empty
	before   manifest
	progress Progress

	done, total uint64
	linked      int
	linkedBytes int64
}

func (j *backupJob) run(tmp string) (manifest, error) {
	tree := j.ledger.Tree()
	m := manifest{Version: BackupVersion, PublicKey: j.ledger.PublicKey(), Entries: tree.Size, Root: tree.Root, Checkpoint: j.ledger.LastCheckpoint().Size}
	for _, dir := range []string{tmp, filepath.Join(tmp, storeDir), filepath.Join(tmp, keysDir)} {
		if err := mkdir(vfs.Default, dir); err != nil {
			return m, err
		}
	}
	names, err := j.names()
	if err != nil {
		return m, err
	}
	for _, name := range names {
		f, err := j.file(tmp, name)
		if err != nil {
			return m, fmt.Errorf("%s: %w", name, err)
		}
		m.Files = append(m.Files, f)
	}
	for _, dir := range []string{filepath.Join(tmp, storeDir), filepath.Join(tmp, keysDir), tmp} {
		if err := syncDir(vfs.Default, dir); err != nil {
			return m, err
		}
	}
	return m, nil
}

// names are the files of a backup, with slashes.
func (j *backupJob) names() ([]string, error) {
	if r := j.ledger.rotating.Load(); r != nil {
		if _, _, err := j.ledger.nextKey(r); err != nil {
			return nil, fmt.Errorf("the signing key is being rotated, try again: %w", err)
		}
	}
	names := []string{formatFile}
	for path, pin := range j.ledger.pins.pins {
		rel, err := filepath.Rel(j.from, path)
		if err != nil {
			return nil, err
		}
		names = append(names, filepath.ToSlash(rel))
		j.total += uint64(pin.size) //nolint:gosec // not negative
	}
	slices.Sort(names)
	return names, nil
}

func (j *backupJob) file(tmp, name string) (backedFile, error) {
	from, to := filepath.Join(j.from, filepath.FromSlash(name)), filepath.Join(tmp, filepath.FromSlash(name))
	src, err := j.ledger.opts.FS.Open(from) // what is pinned is read as it was
	if err != nil {
		return backedFile{}, err
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		return backedFile{}, err
	}
	if old, ok := j.candidate(name, info.Size()); ok {
		f, err := j.copy(src, io.Discard, name)
		if err != nil {
			return f, err
		}
		if f == old && j.link(to, f) {
			j.linked++
			j.linkedBytes += f.Size
			return f, nil
		}
		j.total += uint64(f.Size) //nolint:gosec // it is read again
		again, err := j.ledger.opts.FS.Open(from)
		if err != nil {
			return f, err
		}
		defer again.Close()
		src = again
	}
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return backedFile{}, err
	}
	f, err := j.copy(src, dst, name)
	return f, errors.Join(err, dst.Sync(), dst.Close())
}

// candidate is what the newest backup has under the same name. Only tables never change.
func (j *backupJob) candidate(name string, size int64) (backedFile, bool) {
	i := slices.IndexFunc(j.before.Files, func(f backedFile) bool { return f.Name == name && f.Size == size })
	if i < 0 || !strings.HasSuffix(name, ".sst") {
		return backedFile{}, false
	}
	return j.before.Files[i], true
}

// link shares a file with the newest backup, if it still is there what it was.
func (j *backupJob) link(to string, f backedFile) bool {
	old := filepath.Join(j.last, filepath.FromSlash(f.Name))
	if hashFile(old, f) != nil {
		return false
	}
	return os.Link(old, to) == nil
}

// copy copies and hashes.
func (j *backupJob) copy(src io.Reader, dst io.Writer, name string) (backedFile, error) {
	h := sha256.New()
	buffer := make([]byte, 256<<10)
	f := backedFile{Name: name}
	for {
		if err := j.ctx.Err(); err != nil {
			return f, context.Cause(j.ctx)
		}
		n, err := src.Read(buffer)
		_, _ = h.Write(buffer[:n])
		if _, err := dst.Write(buffer[:n]); err != nil {
			return f, err
		}
		f.Size += int64(n)
		j.done += uint64(n) //nolint:gosec // not negative
		if j.progress != nil {
			j.progress(min(j.done, j.total), j.total)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return f, err
		}
	}
	f.Hash = event.Hash(h.Sum(nil))
	return f, nil
}

// hashFile checks that a file is what a manifest says.
func hashFile(path string, want backedFile) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err == nil && (n != want.Size || event.Hash(h.Sum(nil)) != want.Hash) {
		err = fmt.Errorf("%s has %d bytes with SHA-256 %s, the backup was made with %d and %s: %w",
			path, n, hex.EncodeToString(h.Sum(nil)), want.Size, want.Hash, ErrDamaged)
	}
	return err
}
