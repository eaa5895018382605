package direct

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"proctor/event"
	"proctor/executor/sandbox"
	"proctor/executor/sandbox/none"
	"proctor/executor/tool"
	"proctor/policy/filesystem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// heard is an observer that keeps what it was told.
type heard struct {
	mu  sync.Mutex
	out strings.Builder
}

func (h *heard) Output(s sandbox.Stream, p []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.out.WriteString(string(s) + ":" + string(p))
}
func (h *heard) Denied(sandbox.Denial)           {}
func (h *heard) Changed(event.FileChangePayload) {}
func (h *heard) Ended(tool.Result)               {}

func run(ctx context.Context, t *testing.T, o Options) (r tool.Result, told string, err error) {
	t.Helper()
	o.Name, o.Dir = "run", t.TempDir()
	if o.Env == nil {
		o.Env = []string{"PATH=/usr/bin:/bin"}
	}
	c := New(o)
	h := &heard{}
	grant := tool.Grant{Backend: none.Backend{}, Digest: c.Action().Digest(), Plan: filesystem.Plan{
		Mode: filesystem.DangerFullAccess, Unconfined: true, ReadAll: true, Network: filesystem.NetworkOn,
	}}
	r, err = c.Run(ctx, grant, h)
	return r, h.out.String(), err
}

func TestAnotherDigestIsNotRun(t *testing.T) {
	t.Parallel()
	mark := filepath.Join(t.TempDir(), "ran")
	c := New(Options{Name: "run", Argv: []string{"touch", mark}, Dir: "/"})
	_, err := c.Run(t.Context(), tool.Grant{Backend: none.Backend{}}, &heard{})
	if !errors.Is(err, tool.ErrDigest) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("it ran")
	}
}

func TestOutputIsToldBeforeItIsShown(t *testing.T) {
	t.Parallel()
	var shown strings.Builder
	r, told, err := run(t.Context(), t, Options{
		Argv: []string{"sh", "-c", "echo a; echo b >&2; exit 4"}, Merged: true,
		Show: func(_ sandbox.Stream, p []byte) error { shown.Write(p); return nil },
	})
	if err != nil || *r.ExitCode != 4 || !r.Success || r.Aggregated != "a\nb\n" || shown.String() != "a\nb\n" {
		t.Errorf("got %+v, %v, shown %q", r, err, shown.String())
	}
	if strings.Contains(told, "stderr") || strings.ReplaceAll(told, "stdout:", "") != "a\nb\n" {
		t.Errorf("told %q", told)
	}
}

func TestOneStreamCanBeATerminal(t *testing.T) {
	t.Parallel()
	r, _, err := run(t.Context(), t, Options{Argv: []string{"sh", "-c", "test -t 1; echo $?; test -t 2; echo $?"}, StdoutTTY: true})
	if err != nil || strings.ReplaceAll(r.Aggregated, "\r", "") != "0\n1\n" {
		t.Errorf("got %q, %v", r.Aggregated, err)
	}
}

func TestWhoStopsReadingIsNotFlooded(t *testing.T) {
	t.Parallel()
	r, _, err := run(t.Context(), t, Options{
		Argv: []string{"yes"}, Show: func(sandbox.Stream, []byte) error { return syscall.EPIPE },
	})
	if err != nil || *r.ExitCode != 128+int(syscall.SIGPIPE) {
		t.Errorf("got %+v, %v", r.ExitCode, err)
	}
}

func TestACancelledCommandIsAskedThenKilled(t *testing.T) {
	t.Parallel()
	stop := errors.New("stop")
	cases := []struct {
		name, script string
		want         int
	}{
		{"asked", "trap 'exit 5' INT; echo on; while :; do sleep 0.02; done", 5},
		{"killed", "trap '' INT; echo on; while :; do sleep 0.02; done", 137},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			r, _, err := run(ctx, t, Options{
				Argv: []string{"sh", "-c", c.script}, Grace: 300 * time.Millisecond,
				Show: func(sandbox.Stream, []byte) error { cancel(stop); return nil },
				Ask: func(cause error) syscall.Signal {
					if !errors.Is(cause, stop) {
						t.Errorf("cause %v", cause)
					}
					return syscall.SIGINT
				},
			})
			if !errors.Is(err, stop) || r.ExitCode == nil || *r.ExitCode != c.want {
				t.Errorf("got %+v, %v", r, err)
			}
		})
	}
}

func TestAMissingProgramIsNotStarted(t *testing.T) {
	t.Parallel()
	_, _, err := run(t.Context(), t, Options{Argv: []string{"/no/such/program"}})
	if !errors.Is(err, tool.ErrNotStarted) || !errors.Is(err, sandbox.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}
