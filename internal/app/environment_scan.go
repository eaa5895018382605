package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"proctor/event"
	"proctor/internal/cli"
	"proctor/policy/filesystem"
)

// Bounds of the search for secrets that setup left behind. Reaching one is a finding of its own.
const (
	maxScanFiles = 500_000
	maxScanBytes = 4 << 30
	maxFindings  = 64
	scanBuffer   = 256 << 10
)

// leftovers is what the search found.
type leftovers struct {
	files, bytes int64
	whole        bool     // no bound was reached, and everything could be read
	paths        []string // with secrets masked
}

func (l leftovers) failure() error {
	if len(l.paths) > 0 {
		return fmt.Errorf("setup left a secret behind in %s; write secrets to no file that stays, or set leftover = \"warn\" under [environment] of proctor.toml",
			strings.Join(l.paths, ", "))
	}
	return fmt.Errorf("not everything that setup wrote could be searched for secrets (%d files, %d bytes were); "+
		"write less, or set leftover = \"warn\" under [environment] of proctor.toml", l.files, l.bytes)
}

// scanner looks through what changed since setup began.
type scanner struct {
	r     *run
	since time.Time
	found leftovers
}

// leftBehind searches the writable roots of setup for secrets: in the names, link targets and contents of all that
// changed since it began. Each finding is recorded.
func (r *run) leftBehind(ctx context.Context, began time.Time) (leftovers, error) {
	s := &scanner{r: r, since: began.Add(-2 * time.Second), found: leftovers{whole: true}} // clocks of file systems are coarse
	if len(r.environment.secrets) == 0 {
		return s.found, nil
	}
	var roots []string
	for _, root := range r.environment.confine.Plan.Writable {
		covered := false
		for _, other := range roots {
			covered = covered || filesystem.Within(root.Path, other)
		}
		if !covered {
			roots = append(roots, root.Path)
		}
	}
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return s.visit(ctx, path, d, err)
		})
		if err != nil {
			return s.found, err
		}
	}
	return s.found, nil
}

func (s *scanner) visit(ctx context.Context, path string, d fs.DirEntry, err error) error {
	if err != nil || len(s.found.paths) >= maxFindings || s.found.files >= maxScanFiles || s.found.bytes >= maxScanBytes {
		if !errors.Is(err, fs.ErrNotExist) && !closedToAll(d, err) {
			s.found.whole = false
		}
		if err != nil {
			return nil //nolint:nilerr // what cannot be read is counted as not searched
		}
		return fs.SkipAll
	}
	info, err := d.Info()
	if err != nil || changed(info).Before(s.since) {
		return nil //nolint:nilerr // it went away meanwhile
	}
	s.found.files++
	mask := s.r.environment.mask
	if name := mask.Find([]byte(filepath.Base(path))); name != "" {
		return s.report(ctx, name, path, "name")
	}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		if target, err := os.Readlink(path); err == nil {
			if name := mask.Find([]byte(target)); name != "" {
				return s.report(ctx, name, path, "link")
			}
		}
	case info.Mode().IsRegular():
		name, err := s.content(path)
		if err != nil && !closedToAll(d, err) {
			s.found.whole = false
		}
		if name != "" {
			return s.report(ctx, name, path, "content")
		}
	}
	return nil
}

// closedToAll reports whether something could not be read because it is another user's: then setup did not make it, and the
// agent, who is the same user as we are, cannot read it either.
func closedToAll(d fs.DirEntry, err error) bool {
	if d == nil || !errors.Is(err, fs.ErrPermission) {
		return false
	}
	info, err := d.Info()
	return err == nil && !ours(info)
}

// content is the name of a secret in a file, or "".
func (s *scanner) content(path string) (string, error) {
	f, err := openPlain(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	keep := s.r.environment.mask.Longest() - 1
	buf := make([]byte, keep+scanBuffer)
	held := 0
	for {
		n, err := f.Read(buf[held:])
		s.found.bytes += int64(n)
		if name := s.r.environment.mask.Find(buf[:held+n]); name != "" {
			return name, nil
		}
		switch {
		case errors.Is(err, io.EOF):
			return "", nil
		case err != nil:
			return "", err
		case s.found.bytes >= maxScanBytes:
			return "", errors.New("too much to search")
		}
		tail := min(keep, held+n)
		copy(buf, buf[held+n-tail:held+n])
		held = tail
	}
}

func (s *scanner) report(ctx context.Context, name, path, place string) error {
	path = s.r.environment.mask.Text(path)
	s.found.paths = append(s.found.paths, path)
	_, err := s.r.stream.RecordAnyway(ctx, event.Draft{Actor: event.System, Payload: &event.SecretLeftBehindPayload{
		Secret: name, Path: path, Place: place, Action: s.r.cfg.Environment.Leftover,
	}})
	if err == nil && s.r.cfg.Environment.Leftover == "warn" {
		cli.Warn(s.r.env, fmt.Sprintf("setup left secret %s behind in %s (%s)", name, path, place))
	}
	return err
}
