//go:build unix

package config

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestCases runs every line of kind config below PROCTOR_CASES and of testdata.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no case files in testdata: %v", err)
	}
	for _, f := range files {
		runCaseFile(t, f)
	}
}

func TestSharedCases(t *testing.T) {
	dir, ok := os.LookupEnv("PROCTOR_CASES")
	if !ok {
		t.Skip("PROCTOR_CASES does not name a folder with case files")
	}
	runCaseFile(t, filepath.Join(dir, "config.jsonl"))
}

func runCaseFile(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, maxFileBytes)
	n := 0
	for lines.Scan() {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		n++
		id, pass, got, want, err := RunCase(line)
		if err != nil {
			t.Fatalf("%s line %d: %v", file, n, err)
		}
		t.Run(id, func(t *testing.T) {
			if !pass {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
	if err := lines.Err(); err != nil || n == 0 {
		t.Fatalf("%s: %d cases read: %v", file, n, err)
	}
}
