// Package peers measures what others do on the same bytes. It is a module of its own, so that their libraries stay out of proctor's.
package peers

import (
	"os"
	"testing"
	"time"

	"github.com/zricethezav/gitleaks/v8/detect"
)

// TestGitleaks prints the MB/s of gitleaks' detector over the file named by CORPUS, in pieces of 64 KiB as gitleaks reads files, ROUNDS times.
func TestGitleaks(t *testing.T) {
	name := os.Getenv("CORPUS")
	if name == "" {
		t.Skip("CORPUS names no file: internal/bench/redact.sh makes one")
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	d, err := detect.NewDetectorDefaultConfig()
	if err != nil {
		t.Fatal(err)
	}
	began, found := time.Now(), 0
	for at := 0; at < len(data); at += 64 << 10 {
		found += len(d.DetectBytes(data[at:min(at+64<<10, len(data))]))
	}
	spent := time.Since(began)
	t.Logf("gitleaks %.2f MB/s, %d findings", float64(len(data))/1e6/spent.Seconds(), found)
}
