//go:build linux

package backend

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/landlock"
	"proctor/policy/filesystem"
)

// probeLimit bounds one probe, which starts one small program.
const probeLimit = 10 * time.Second

// Probe tries every backend anew, for a report to people.
func Probe(ctx context.Context, o Options) ([]Report, error) {
	registry, guard, err := openRegistry(o)
	if err != nil {
		return nil, err
	}
	list, err := candidates(o, registry, guard)
	if err != nil {
		return nil, err
	}
	var out []Report
	for _, open := range list {
		c := open()
		r := try(ctx, c)
		r.Path = c.path
		r.Version = version(ctx, c)
		r.Gaps = sandbox.Gaps(c.backend)
		out = append(out, r)
	}
	return out, nil
}

func version(ctx context.Context, c candidate) string {
	switch {
	case c.name == "bwrap" && c.path != "":
		out, err := exec.CommandContext(ctx, c.path, "--version").Output()
		if err == nil {
			return strings.TrimPrefix(strings.TrimSpace(string(out)), "bubblewrap ")
		}
	case c.name == "landlock":
		return fmt.Sprintf("ABI %d", landlock.ABI())
	}
	return ""
}

// try confines a small program read-only without network.
func try(ctx context.Context, c candidate) Report {
	r := Report{Name: c.name, Reason: c.reason, Advice: c.advice}
	if c.backend == nil {
		return r
	}
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	var output bytes.Buffer
	p, err := c.backend.Start(ctx, sandbox.Spec{
		Argv: []string{"/bin/sh", "-c", ":"}, Dir: "/", Env: []string{},
		Plan:     filesystem.Plan{Mode: filesystem.ReadOnly, ReadAll: true, Network: filesystem.NetworkOff},
		OnOutput: func(_ sandbox.Stream, p []byte) { output.Write(p[:min(len(p), 512)]) },
	})
	if err != nil {
		r.Reason = err.Error()
		return r
	}
	result := p.Wait()
	if result.SetupError != nil || result.ExitCode != 0 {
		r.Reason = fmt.Sprintf("trial ended with status %d: %s", result.ExitCode, strings.TrimSpace(output.String()))
		return r
	}
	return Report{Name: c.name, Usable: true, Exact: result.DenialsExact}
}

// cache keeps answers in one file per backend. Only usable is remembered: what did not work is tried again.
type cache struct{ dir, boot string }

func newCache(stateDir string) cache {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return cache{}
	}
	return cache{dir: filepath.Join(stateDir, "probes"), boot: strings.TrimSpace(string(boot))}
}

type answer struct {
	Key    string `json:"key"`
	Report Report `json:"report"`
}

func (c cache) probe(ctx context.Context, cand candidate) Report {
	if cand.backend == nil {
		return Report{Name: cand.name, Reason: cand.reason, Advice: cand.advice}
	}
	key := fmt.Sprintf("%s %d %s %s", c.boot, os.Geteuid(), cand.key, surroundings())
	sum := sha256.Sum256([]byte(key))
	file := filepath.Join(c.dir, cand.name+"-"+hex.EncodeToString(sum[:8])+".json")
	if c.boot != "" {
		var a answer
		if b, err := os.ReadFile(file); err == nil && json.Unmarshal(b, &a) == nil && a.Key == key && a.Report.Usable {
			return a.Report
		}
	}
	r := try(ctx, cand)
	if r.Usable && c.boot != "" {
		c.store(file, answer{Key: key, Report: r})
	}
	return r
}

// store may fail: then the next process probes again.
func (c cache) store(file string, a answer) {
	b, err := json.Marshal(a)
	if err != nil || os.MkdirAll(c.dir, 0o700) != nil {
		return
	}
	tmp := fmt.Sprintf("%s.%d", file, os.Getpid())
	if os.WriteFile(tmp, b, 0o600) == nil {
		_ = os.Rename(tmp, file)
	}
}

// fileKey changes when the program at path is another one.
func fileKey(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return path
	}
	return fmt.Sprintf("%s %d %d", path, info.Size(), info.ModTime().UnixNano())
}
