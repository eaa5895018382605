//go:build linux

package mountpoint

import (
	"path/filepath"
	"testing"
)

func BenchmarkHold(b *testing.B) {
	r, err := Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	var paths []string
	for _, n := range []string{".git", ".agents", ".codex", ".aws"} {
		paths = append(paths, filepath.Join(dir, n))
	}
	for b.Loop() {
		h, err := r.Hold(paths)
		if err != nil {
			b.Fatal(err)
		}
		h.Release()
	}
}
