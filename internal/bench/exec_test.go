//go:build linux

package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"proctor/executor/sandbox/backend"
	"proctor/internal/app"
	"proctor/internal/cli"
	"proctor/internal/config"
)

var folder = flag.String("folder", "", "run in `folder`, on a real disk, instead of a temporary one")

func TestMain(m *testing.M) {
	backend.Main()
	receive()
	os.Exit(m.Run())
}

// BenchmarkExec is the whole of proctor exec within this process, for profiles: what the parts of a run cost once the
// process is up. ns/op is one run.
func BenchmarkExec(b *testing.B) {
	for _, n := range []int{1, 50} {
		b.Run(fmt.Sprintf("commands=%d", n), func(b *testing.B) { benchExec(b, n) })
	}
}

func benchExec(b *testing.B, n int) {
	dir := *folder
	if dir == "" {
		dir = b.TempDir()
	}
	c := contender{name: "proctor", dir: filepath.Join(dir, "profile")}
	if err := c.prepare(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	self, children := ownTime(), childTime()
	defer func() {
		b.ReportMetric(ms(ownTime()-self)/float64(b.N), "self-ms/op")
		b.ReportMetric(ms(childTime()-children)/float64(b.N), "children-ms/op")
	}()
	for b.Loop() {
		model, err := startModel(script("true", n))
		if err != nil {
			b.Fatal(err)
		}
		text := fmt.Appendf(nil, configuration, model.url)
		if err := os.WriteFile(filepath.Join(c.dir, "home", "config.toml"), text, 0o600); err != nil {
			b.Fatal(err)
		}
		err = app.Exec(context.Background(), cli.Env{
			Stdout: io.Discard, Stderr: io.Discard, Environ: c.environ(), Cwd: filepath.Join(c.dir, "ws"), StdinTerminal: true,
		}, app.ExecOptions{
			Prompt: "do the scripted work", Prompted: true, JSON: true,
			Config: config.Options{Headless: true, Overrides: []string{`sandbox_mode="workspace-write"`}},
		})
		if err != nil {
			b.Fatal(err)
		}
		if err := model.close(); err != nil {
			b.Fatal(err)
		}
	}
}
