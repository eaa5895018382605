package hook

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func runOne(t *testing.T, ctx context.Context, dir, command string, timeout time.Duration) Run {
	t.Helper()
	h := Hook{Definition: Definition{Event: PreToolUse, Command: command, Timeout: timeout, match: anything}, Trust: Trusted}
	s := New([]Hook{h}, Options{Shell: "/bin/sh", Dir: dir, Env: []string{"PATH=/usr/bin:/bin", "ONLY=this"}})
	in := Input{Event: PreToolUse, Session: "s", Tool: "Bash", Arguments: []byte(`{"command":"x"}`), Use: "c1"}
	return s.Run(ctx, in, s.Select(in))[0]
}

func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := runOne(t, t.Context(), dir, "cat >in; env >env; pwd >&2; exit 2", time.Minute)
	if r.Ending.Exit != 2 || !r.Answer.Deny || !strings.Contains(r.Answer.Reason, filepath.Base(dir)) {
		t.Errorf("%+v", r)
	}
	in, _ := os.ReadFile(filepath.Join(dir, "in"))
	if want := `"tool_name":"Bash","tool_input":{"command":"x"},"tool_use_id":"c1"}` + "\n"; !strings.HasSuffix(string(in), want) {
		t.Errorf("its input was %s", in)
	}
	env, _ := os.ReadFile(filepath.Join(dir, "env"))
	if !strings.Contains(string(env), "ONLY=this\n") || strings.Contains(string(env), "GOFLAGS") {
		t.Errorf("its environment was %s", env)
	}
	if r := runOne(t, t.Context(), dir, "exit 0", time.Minute); r.Answer.Failure != "" {
		t.Errorf("one that does not read its input: %+v", r)
	}
	if r := runOne(t, t.Context(), dir, "kill -9 $$", time.Minute); r.Ending.Fault != Killed {
		t.Errorf("killed: %+v", r)
	}
	if r := runOne(t, t.Context(), "/nowhere", "exit 0", time.Minute); r.Ending.Fault != NotStarted {
		t.Errorf("not started: %+v", r)
	}
	if r := runOne(t, t.Context(), dir, "head -c 3000000 /dev/zero", time.Minute); r.Ending.Fault != TooLong || len(r.Ending.Stdout) != maxStdout {
		t.Errorf("too long: %s, %d bytes", r.Ending.Fault, len(r.Ending.Stdout))
	}
}

// A hook that takes too long ends with everything it started.
func TestRunEndsInTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	began := time.Now()
	r := runOne(t, t.Context(), dir, "sleep 600 & echo $! >pid; wait", 200*time.Millisecond)
	if r.Ending.Fault != Timeout || time.Since(began) > time.Minute {
		t.Errorf("%+v", r)
	}
	pid, _ := os.ReadFile(filepath.Join(dir, "pid"))
	for began = time.Now(); ; time.Sleep(time.Millisecond) { // it was killed, and is gone when the kernel comes to it
		state, err := os.ReadFile("/proc/" + strings.TrimSpace(string(pid)) + "/stat")
		if err != nil || strings.Contains(string(state), ") Z ") {
			break
		}
		if time.Since(began) > 10*time.Second {
			t.Fatalf("what it started runs on: %s", state)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	if r := runOne(t, ctx, dir, "sleep 600", time.Hour); r.Ending.Fault != Cancelled {
		t.Errorf("%+v", r)
	}
}
