package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"proctor/internal/cli"
)

// openResult opens a file that the run writes at its end, before anything runs: what cannot be
// written is said before anything is spent, and a command of the run cannot put a link or a
// pipe in its place, since the descriptor is kept. Devices and descriptors (/dev/stdout) are opened as they are.
func openResult(env cli.Env, file string) (*os.File, error) {
	if file == "" || file == "-" {
		return nil, nil
	}
	path := env.Abs(file)
	flags := os.O_CREATE | os.O_WRONLY
	if !strings.HasPrefix(path, "/dev/") && !strings.HasPrefix(path, "/proc/") {
		flags |= asItIs
	}
	f, err := os.OpenFile(path, flags, 0o600)
	switch {
	case errors.Is(err, syscall.ELOOP):
		return nil, cli.Fail(cli.Failure, fmt.Errorf("write to %s: it is a symbolic link, which a command could have made; name its target or another file", path))
	case errors.Is(err, syscall.ENXIO):
		return nil, cli.Fail(cli.Failure, fmt.Errorf("write to %s: it is a pipe that nobody reads; name a file", path))
	case err != nil:
		return nil, cli.Fail(cli.Failure, fmt.Errorf("the result could not be written: %w; choose another file in %s or elsewhere", err, filepath.Dir(path)))
	}
	if info, err := f.Stat(); flags&asItIs != 0 && (err != nil || !info.Mode().IsRegular()) {
		return nil, cli.Fail(cli.Failure, errors.Join(err, fmt.Errorf("write to %s: it is not a regular file; choose another", path), f.Close()))
	}
	return f, nil
}

// replaceContent writes b as all there is in f.
func replaceContent(f *os.File, b []byte) error {
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		if err := f.Truncate(0); err != nil {
			return err
		}
	}
	_, err := f.Write(b)
	return err
}

func (r *run) closeResults() {
	for _, f := range []*os.File{r.last, r.events} {
		if f != nil {
			_ = f.Close() // what was written was checked
		}
	}
}
