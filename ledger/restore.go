package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ErrNoBackup means that a folder holds no backup.
var ErrNoBackup = errors.New("not a backup of a ledger")

// maxManifest bounds backup.json: a few hundred bytes for each file of the store.
const maxManifest = 64 << 20

// newestBackup is the newest complete backup below dir, or dir if it is one; os.ErrNotExist when there is none.
func newestBackup(dir string) (string, error) {
	if _, err := os.Stat(filepath.Join(dir, manifestFile)); err == nil {
		return dir, nil
	}
	all, err := os.ReadDir(dir) // sorted
	if err != nil {
		return "", err
	}
	for i := len(all) - 1; i >= 0; i-- {
		path := filepath.Join(dir, all[i].Name())
		if strings.HasSuffix(path, partial) {
			continue
		}
		if _, err := os.Stat(filepath.Join(path, manifestFile)); err == nil {
			return path, nil
		}
	}
	return "", os.ErrNotExist
}

func readManifest(dir string) (m manifest, err error) {
	text, err := readFile(vfs.Default, filepath.Join(dir, manifestFile), maxManifest)
	if err != nil {
		return m, fmt.Errorf("read backup: %w", err)
	}
	if err := json.Unmarshal(text, &m); err != nil || m.Version == 0 {
		return m, fmt.Errorf("%s: %w", filepath.Join(dir, manifestFile), ErrNoBackup)
	}
	if m.Version != BackupVersion {
		return m, fmt.Errorf("%s has version %d, this program knows %d: %w", filepath.Join(dir, manifestFile), m.Version, BackupVersion, ErrFormat)
	}
	for _, f := range m.Files {
		if path := filepath.FromSlash(f.Name); f.Size < 0 || !filepath.IsLocal(path) || filepath.Clean(path) != path || strings.Count(f.Name, "/") > 1 {
			return m, fmt.Errorf("%s names the file %q: %w", filepath.Join(dir, manifestFile), f.Name, ErrNoBackup)
		}
	}
	return m, nil
}

// Restore makes dir, which must be empty or not there, the ledger that was backed up in from: a folder of backups, of
// which it takes the newest, or one backup. Every file is checked against its hash, and the tree against the backup's.
func Restore(ctx context.Context, from, dir string, progress Progress) (BackupReport, error) {
	r, err := restore(ctx, from, dir, progress)
	if err != nil {
		err = fmt.Errorf("restore ledger %q from %q: %w", dir, from, err)
	}
	return r, err
}

func restore(ctx context.Context, from, dir string, progress Progress) (report BackupReport, err error) {
	source, err := newestBackup(from)
	if errors.Is(err, os.ErrNotExist) {
		return report, ErrNoBackup
	}
	if err != nil {
		return report, err
	}
	m, err := readManifest(source)
	if err != nil {
		return report, err
	}
	if err := checkEmpty(dir); err != nil {
		return report, err
	}
	if err := mkdir(vfs.Default, filepath.Dir(dir)); err != nil {
		return report, err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+partial)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	j := backupJob{ctx: ctx, progress: progress}
	for _, f := range m.Files {
		j.total += uint64(f.Size) //nolint:gosec // checked by readManifest
	}
	for _, f := range m.Files {
		if err := j.restoreFile(source, tmp, f); err != nil {
			return report, err
		}
	}
	if err := errors.Join(syncDir(vfs.Default, filepath.Join(tmp, storeDir)), syncDir(vfs.Default, filepath.Join(tmp, keysDir)), syncDir(vfs.Default, tmp)); err != nil {
		return report, err
	}
	if err := sameTree(tmp, m); err != nil {
		return report, fmt.Errorf("check the copy: %w", err)
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return report, err
	}
	if err := os.Rename(tmp, dir); err != nil { // somebody else made a ledger meanwhile
		return report, err
	}
	r := m.report(source, "", 0, 0)
	return r, syncDir(vfs.Default, filepath.Dir(dir))
}

// checkEmpty refuses a folder with anything in it.
func checkEmpty(dir string) error {
	all, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil && len(all) > 0 {
		err = fmt.Errorf("%s is not empty: a ledger is never written over; move it away, or set PROCTOR_HOME to another folder", dir)
	}
	return err
}

func (j *backupJob) restoreFile(from, to string, f backedFile) error {
	src, err := os.Open(filepath.Join(from, filepath.FromSlash(f.Name)))
	if err != nil {
		return err
	}
	defer src.Close()
	path := filepath.Join(to, filepath.FromSlash(f.Name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	dst, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	got, err := j.copy(src, dst, f.Name)
	if err = errors.Join(err, dst.Sync(), dst.Close()); err == nil && got != f {
		err = fmt.Errorf("%s has %d bytes with SHA-256 %s, the backup was made with %d and %s: %w", src.Name(), got.Size, got.Hash, f.Size, f.Hash, ErrDamaged)
	}
	return err
}

// Format is the format line of the ledger in dir and the one that this program knows; ErrFormat, with both named, for one that it does not.
func Format(dir string) (found, known string, err error) {
	known = fmt.Sprintf("%s%d", formatLine, formatVersion)
	path := filepath.Join(dir, formatFile)
	b, err := readFile(vfs.Default, path, 256)
	if err != nil {
		return "", known, err
	}
	_, err = checkFormat(vfs.Default, path)
	return strings.TrimSpace(string(b)), known, err
}
