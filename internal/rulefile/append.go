package rulefile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"proctor/policy/execrules"
)

// MaxSize bounds the file, in bytes.
const MaxSize = 1 << 20

// Append makes sure that the rules file at path holds line, and reports whether it was added.
func Append(ctx context.Context, path, line string) (added bool, err error) {
	if strings.ContainsAny(line, "\n\r") || strings.TrimSpace(line) == "" {
		return false, fmt.Errorf("add rule to %s: expected one line that is not blank", path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return false, fmt.Errorf("add rule: %w", err)
	}
	f, err := locked(ctx, path)
	if err != nil {
		return false, fmt.Errorf("add rule to %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }() // closing releases the lock
	old, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return false, fmt.Errorf("add rule: %w", err)
	}
	text := string(old)
	if slices.Contains(strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), line) {
		return false, nil
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	text += line + "\n"
	if len(text) > MaxSize {
		return false, fmt.Errorf("add rule to %s: it would have %d bytes, at most %d are allowed; remove rules that are no longer needed", path, len(text), MaxSize)
	}
	if _, err := execrules.Parse([]execrules.File{{Name: path, Text: text}}); err != nil {
		return false, fmt.Errorf("add rule: with it the file would not load: %w", err)
	}
	return true, replace(f.Name(), text)
}

// Remove takes line out of the rules file at path, everywhere it stands alone on a line, and reports whether it was there.
func Remove(ctx context.Context, path, line string) (removed bool, err error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	f, err := locked(ctx, path)
	if err != nil {
		return false, fmt.Errorf("remove rule from %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }() // closing releases the lock
	old, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	switch {
	case err != nil:
		return false, fmt.Errorf("remove rule from %s: %w", path, err)
	case len(old) > MaxSize:
		return false, fmt.Errorf("remove rule from %s: it has more than %d bytes", path, MaxSize)
	}
	var kept strings.Builder
	for text := range strings.Lines(string(old)) {
		if strings.TrimRight(text, "\r\n") == line {
			removed = true
			continue
		}
		kept.WriteString(text)
	}
	if !removed {
		return false, nil
	}
	return true, replace(f.Name(), kept.String())
}

// locked opens the file that path leads to, makes it when there is none, and locks it. A file that was replaced while the lock was
// awaited is opened anew.
func locked(ctx context.Context, path string) (*os.File, error) {
	for {
		target, err := filepath.EvalSymlinks(path)
		if errors.Is(err, fs.ErrNotExist) {
			target = path
		} else if err != nil {
			return nil, err
		}
		f, err := os.OpenFile(target, os.O_RDWR|os.O_CREATE|noFollow, 0o600)
		if err != nil {
			return nil, err
		}
		if err := lock(ctx, f); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		mine, err := f.Stat()
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		if !mine.Mode().IsRegular() {
			return nil, errors.Join(errors.New("it is not a regular file"), f.Close())
		}
		if current, err := os.Stat(target); err == nil && os.SameFile(mine, current) {
			return f, nil
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
}

// replace writes text beside the file and renames it over it.
func replace(path, text string) (err error) {
	mode := fs.FileMode(0o600)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, ".rules-*")
	if err != nil {
		return fmt.Errorf("write rules: %w", err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("write rules: %w", errors.Join(err, os.Remove(tmp.Name())))
		}
	}()
	_, werr := tmp.WriteString(text)
	if err := errors.Join(werr, tmp.Chmod(mode), tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	return syncFolder(dir)
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
