package sandbox

import (
	"fmt"
	"os"
	"testing"

	"proctor/policy/filesystem"
)

// BenchmarkPlan is what a start pays for looking at a workspace of 3,000 files in 320 folders.
func BenchmarkPlan(b *testing.B) {
	dir := b.TempDir()
	for i := range 300 {
		at := fmt.Sprintf("%s/d%d/e%d", dir, i%20, i)
		mkdirBench(b, at)
	}
	r := filesystem.Request{Mode: filesystem.WorkspaceWrite, WorkspaceRoots: []string{dir}, ExcludeSlashTmp: true}
	for b.Loop() {
		if _, err := Plan(r); err != nil {
			b.Fatal(err)
		}
	}
}

func mkdirBench(b *testing.B, at string) {
	b.Helper()
	if err := os.MkdirAll(at, 0o700); err != nil {
		b.Fatal(err)
	}
	for j := range 10 {
		if err := os.WriteFile(fmt.Sprintf("%s/f%d", at, j), nil, 0o600); err != nil {
			b.Fatal(err)
		}
	}
}
