package redact

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mixed is tool output as it comes: sources, lock files, logs, and a secret here and there.
func mixed(b testing.TB, size int) string {
	var all strings.Builder
	files, _ := filepath.Glob("testdata/harmless/*")
	more, _ := filepath.Glob("../../executor/*.go")
	for _, name := range append(append(files, more...), "../../doc/events.schema.json", "../../go.sum") {
		data, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		all.Write(data)
	}
	all.WriteString("export GITHUB_TOKEN=" + planted + "\n")
	return strings.Repeat(all.String(), size/all.Len()+1)[:size]
}

// BenchmarkMask masks mixed tool output; its baselines are the keyword prefilter alone, and a copy of the memory.
func BenchmarkMask(b *testing.B) {
	text := mixed(b, 4<<20)
	b.Run("mask", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			Standard().Mask("f", text, false, nil)
		}
	})
	b.Run("stream", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			s := Standard().Stream("f", false, nil)
			for at := 0; at < len(text); at += 32 << 10 {
				s.Write(text[at:min(at+32<<10, len(text))])
			}
			s.Flush()
		}
	})
	b.Run("prefilter", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		a, hits := Standard().words, 0
		for b.Loop() {
			a.run(0, text, 0, func([]keyword, int) { hits++ })
		}
		b.ReportMetric(float64(hits)/float64(b.N)/float64(len(text)>>10), "hits/KiB")
	})
	b.Run("copy", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		to := make([]byte, len(text))
		for b.Loop() {
			copy(to, text)
		}
	})
}
