package front

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"

	"proctor/internal/cli"
)

// Program is the name of the whole program.
const Program = "proctor-full"

// mark is the variable by which the whole program learns which build called it.
const mark = "PROCTOR_FRONT"

// HandOver puts the whole program in place of this process. It comes back with an error only.
func HandOver(argv, environ []string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the file of this program: %w", err)
	}
	if real, err := filepath.EvalSymlinks(self); err == nil { // fails when an update removed the file; its folder stays
		self = real
	}
	path := filepath.Join(filepath.Dir(self), Program)
	err = syscall.Exec(path, argv, append(without(environ), mark+"="+build())) // beside our own file, and nowhere else
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("this file serves sandbox, policy, config and version; for anything else it starts %s, which is not there: "+
			"install both files of one build in one folder ('make install'), or build the program as one file ('go build ./cmd/proctor')", path)
	}
	return fmt.Errorf("start the whole program %s: %w; install both files of one build in one folder", path, err)
}

// without is the environment without a mark of somebody else.
func without(environ []string) []string {
	out := make([]string, 0, len(environ)+1)
	for _, v := range environ {
		if !strings.HasPrefix(v, mark+"=") {
			out = append(out, v)
		}
	}
	return out
}

// Accept takes the mark of a front out of the environment. It is an error when front and whole program are not of one build.
func Accept() error {
	caller := os.Getenv(mark)
	if caller == "" {
		return nil
	}
	if err := os.Unsetenv(mark); err != nil {
		return err
	}
	if caller != build() {
		return fmt.Errorf("proctor is of build %q and %s beside it of build %q; install both files of one build", caller, Program, build())
	}
	return nil
}

// build names what this program was made from: the version, and the commit where the toolchain knows it.
func build() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return cli.Version + " " + info.Main.Version
	}
	return cli.Version
}
