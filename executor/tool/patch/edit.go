package patch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"unicode/utf8"

	"proctor/executor/tool/canonical"
)

// MaxFile bounds a file that a patch changes, before and after, in bytes.
const MaxFile = 16 << 20

// edit is one operation with its place and, after read, its contents.
type edit struct {
	op       Op
	from, to string // canonical paths; equal unless the file moves
	existed  bool   // from existed
	info     fs.FileInfo
	before   string
	after    string
	spots    []placed // of an update
}

// resolve finds the places of all operations below dir. No file may be meant twice.
func resolve(dir string, p Patch) ([]edit, error) {
	edits := make([]edit, 0, len(p.Ops))
	seen := map[string]bool{}
	for _, op := range p.Ops {
		e, err := locateOp(dir, op)
		if err != nil {
			return nil, err
		}
		for _, path := range e.paths() {
			if seen[path] {
				return nil, &ParseError{0, "multiple operations target " + path}
			}
			seen[path] = true
		}
		edits = append(edits, e)
	}
	return edits, nil
}

func locateOp(dir string, op Op) (edit, error) {
	fail := func(path string, err error) (edit, error) {
		return edit{}, &ParseError{op.Line, fmt.Sprintf("cannot use path '%s': %v", clip(path), err)}
	}
	where := canonical.Parent
	if op.Kind == Change && op.MoveTo == "" {
		where = canonical.Target
	}
	from, err := where(dir, op.Path)
	if err != nil {
		return fail(op.Path, err)
	}
	e := edit{op: op, from: from, to: from}
	if op.MoveTo == "" {
		return e, nil
	}
	if e.to, err = canonical.Parent(dir, op.MoveTo); err != nil {
		return fail(op.MoveTo, err)
	}
	return e, nil
}

// paths are the files that the edit touches.
func (e *edit) paths() []string {
	if e.to == e.from {
		return []string{e.from}
	}
	return []string{e.from, e.to}
}

// read loads the old content and computes the new one. It changes nothing on disk.
func (e *edit) read() error {
	b, info, err := canonical.ReadFile(e.from, MaxFile)
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case err == nil:
		e.existed, e.info, e.before = true, info, string(b)
	case e.op.Kind == Add && missing:
	case e.op.Kind == Delete && isLink(e.from): // the link goes, not what it names
		e.existed = true
	case isLink(e.from):
		return fmt.Errorf("failed to read file to %s %s: it is a symbolic link; name the file it leads to, or delete it first", e.op.Kind, e.from)
	default:
		return fmt.Errorf("failed to read file to %s %s: %w", e.op.Kind, e.from, err)
	}
	switch e.op.Kind {
	case Add:
		e.after = e.op.Content
	case Change:
		return e.change()
	case Delete: // nothing comes after
	}
	return nil
}

func (e *edit) change() error {
	if !utf8.ValidString(e.before) {
		return fmt.Errorf("failed to read file to update %s: it is not UTF-8 text; expected a text file", e.from)
	}
	lines := splitKeep(e.before)
	spots, err := e.op.Update.place(e.from, lines)
	if err != nil {
		return err
	}
	e.spots, e.after = spots, rewrite(lines, spots)
	if len(e.after) > MaxFile {
		return fmt.Errorf("%s would have %d bytes, at most %d are allowed", e.from, len(e.after), MaxFile)
	}
	if e.to == e.from {
		return nil
	}
	info, err := os.Lstat(e.to)
	if err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("failed to move %s to %s: %w", e.from, e.to, canonical.ErrNotRegular)
	}
	return nil
}

func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}
