// Command mutate proves that tests notice when a guard is gone: it takes one after the other out of the code, in an overlay that
// leaves the tree alone, and demands that the named test fails. Usage: mutate FILE.
//
// FILE has a mutation in each paragraph: "file:", "test:" (a regular expression), "in:" when the test is in another folder, "old:" and
// "new:", each on a line; "old" must occur exactly once. Lines that begin with # are comments.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

type mutation struct{ file, test, in, old, replacement string }

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: mutate FILE")
		os.Exit(2)
	}
	if err := run(os.Stdout, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, list string) error {
	text, err := os.ReadFile(list) //nolint:gosec // named by who runs this
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	survived := 0
	for _, m := range parse(string(text)) {
		caught, err := m.try(dir)
		if err != nil {
			return fmt.Errorf("%s, %q: %w", m.file, m.old, err)
		}
		verdict := "caught  "
		if !caught {
			verdict = "SURVIVED"
			survived++
		}
		_, _ = fmt.Fprintf(out, "%s  %s  %s  by %s\n", verdict, m.file, m.old, m.test)
	}
	if survived > 0 {
		return fmt.Errorf("%d mutations were not noticed", survived)
	}
	return nil
}

func parse(text string) (all []mutation) {
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		var m mutation
		for line := range strings.Lines(paragraph) {
			key, value, _ := strings.Cut(strings.TrimRight(line, "\n"), ": ")
			switch key {
			case "file":
				m.file = value
			case "test":
				m.test = value
			case "in":
				m.in = value
			case "old":
				m.old = value
			case "new":
				m.replacement = value
			}
		}
		if m.file != "" {
			all = append(all, m)
		}
	}
	return all
}

// limit is how long one test may take; a test that hangs has noticed.
const limit = 5 * time.Minute

func (m mutation) try(dir string) (caught bool, err error) {
	text, err := os.ReadFile(m.file)
	if err != nil {
		return false, err
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		return false, fmt.Errorf("it occurs %d times, expected once", n)
	}
	changed, overlay := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(changed, []byte(strings.Replace(string(text), m.old, m.replacement, 1)), 0o600); err != nil { //nolint:gosec // in a folder of our own
		return false, err
	}
	path, err := filepath.Abs(m.file)
	if err != nil {
		return false, err
	}
	object, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	if err == nil {
		err = os.WriteFile(overlay, object, 0o600)
	}
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	folder := m.in
	if folder == "" {
		folder = filepath.ToSlash(filepath.Dir(m.file))
	}
	pkg := "./" + folder
	if out, err := exec.CommandContext(ctx, "go", "test", "-overlay", overlay, "-run", "^$", pkg).CombinedOutput(); err != nil {
		return false, fmt.Errorf("the changed package does not build: %w\n%s", err, out)
	}
	err = exec.CommandContext(ctx, "go", "test", "-count=1", "-overlay", overlay, "-run", m.test, pkg).Run()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		return false, err
	}
	return err != nil, nil
}
