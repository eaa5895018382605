package unrecorded

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/policy/cases"
	"proctor/reviewer/auto"
)

// maxCase bounds one case, in bytes.
const maxCase = 1 << 20

// caseResult is what policy test prints for one case.
type caseResult struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	Pass bool   `json:"pass"`
	Got  string `json:"got"`
	Want string `json:"want"`
}

// PolicyTest runs case files; a folder stands for the .jsonl files below it, "-" for standard input. Status 2 when
// one cannot be read, 3 when some case fails.
func PolicyTest(env cli.Env, names []string, asJSON bool) error {
	files, err := caseFiles(env, names)
	if err != nil {
		return cli.Fail(cli.Usage, err)
	}
	var passed, failed int
	for _, file := range files {
		f, err := openCases(env, file)
		if err != nil {
			return cli.Fail(cli.Usage, fmt.Errorf("read cases: %w", err))
		}
		err = eachCase(f, file, func(r caseResult) {
			if r.Pass {
				passed++
			} else {
				failed++
			}
			printCase(env.Stdout, r, asJSON)
		})
		if err := errors.Join(err, f.Close()); err != nil {
			return cli.Fail(cli.Usage, err)
		}
	}
	_, _ = fmt.Fprintf(env.Stderr, "%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		return cli.Fail(cli.Gate, cli.ErrSilent)
	}
	return nil
}

// maxCaseFiles bounds what a folder may stand for.
const maxCaseFiles = 4096

// caseFiles puts the files of folders in their place, by name.
func caseFiles(env cli.Env, names []string) ([]string, error) {
	var files []string
	for _, name := range names {
		info, err := os.Stat(env.Abs(name))
		if name == "-" || err != nil || !info.IsDir() {
			files = append(files, name)
			continue
		}
		before := len(files)
		err = filepath.WalkDir(env.Abs(name), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && strings.HasSuffix(path, ".jsonl") {
				files = append(files, path)
			}
			if len(files)-before > maxCaseFiles {
				return fmt.Errorf("more than %d files; name fewer folders", maxCaseFiles)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read cases in %s: %w", name, err)
		}
		if len(files) == before {
			return nil, fmt.Errorf("read cases in %s: the folder holds no .jsonl file", name)
		}
	}
	return files, nil
}

func openCases(env cli.Env, name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(env.Stdin), nil
	}
	return os.Open(env.Abs(name))
}

func printCase(w io.Writer, r caseResult, asJSON bool) {
	switch {
	case asJSON:
		b, err := json.Marshal(r)
		if err == nil {
			_, _ = fmt.Fprintf(w, "%s\n", b)
		}
	case !r.Pass:
		_, _ = fmt.Fprintf(w, "%s (%s): got %s, want %s\n", cli.Plain(r.ID), cli.Plain(r.Kind), cli.Plain(r.Got), cli.Plain(r.Want))
	}
}

func eachCase(r io.Reader, file string, f func(caseResult)) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxCase)
	for n := 1; lines.Scan(); n++ {
		line := lines.Bytes()
		if len(line) == 0 {
			continue
		}
		var head struct {
			ID   string `json:"id"`
			Kind string `json:"kind"`
		}
		if err := json.Unmarshal(line, &head); err != nil {
			return fmt.Errorf("%s:%d: not a JSON object: %w", file, n, err)
		}
		result, err := runCase(head.Kind, line)
		if err != nil {
			return fmt.Errorf("%s:%d: case %s: %w", file, n, head.ID, err)
		}
		result.Kind = head.Kind
		f(result)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	return nil
}

func runCase(kind string, line []byte) (r caseResult, err error) {
	switch kind {
	case "config":
		r.ID, r.Pass, r.Got, r.Want, err = config.RunCase(line)
	case "review", "breaker":
		r.ID, r.Pass, r.Got, r.Want, err = auto.RunCase(line)
	default:
		err = cases.Run(bytes.NewReader(line), func(c cases.Result) {
			r = caseResult{ID: c.ID, Pass: c.Pass, Got: c.Got, Want: c.Want}
		})
	}
	return r, err
}
