package codexhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func payload(event string) string {
	return `{"hook_event_name":"` + event + `","session_id":"s","cwd":"/","tool_name":"Bash","tool_input":{"command":"ls"}}`
}

// wellFormed fails unless Codex would understand an answer to an event.
func wellFormed(t *testing.T, event string, status int, out, errs []byte) (denies bool) {
	t.Helper()
	switch status {
	case 0:
		if len(out) == 0 {
			return false
		}
		var v map[string]any
		if err := json.Unmarshal(out, &v); err != nil {
			t.Fatalf("%s: %q is no JSON object: %v", event, out, err)
		}
		return !bytes.Contains(out, []byte(`"behavior":"allow"`))
	case 1, 2:
		if len(out) > 0 || len(bytes.TrimSpace(errs)) == 0 {
			t.Fatalf("%s: status %d with output %q and text %q", event, status, out, errs)
		}
		if status == 1 && (event == PreToolUse || event == PermissionRequest || !known(event)) {
			t.Fatalf("%s: status 1 lets it run", event)
		}
		return true
	}
	t.Fatalf("%s: status %d", event, status)
	return false
}

// Errors, panics and late answers of whoever decides are objections to every event, within four fifths of the time.
func TestWhateverGoesWrongIsAnObjection(t *testing.T) {
	faults := map[string]func(context.Context, []byte) (Answer, error){
		"error": func(context.Context, []byte) (Answer, error) {
			return Answer{Allow: true}, errors.New("disk full\n\x1b[31m")
		},
		"panic": func(context.Context, []byte) (Answer, error) { panic("x") },
		"cancelled": func(ctx context.Context, _ []byte) (Answer, error) {
			<-ctx.Done()
			return Answer{}, ctx.Err()
		},
		"empty reason": func(context.Context, []byte) (Answer, error) { return Answer{Deny: true, Allow: true}, nil },
	}
	for name, fault := range faults {
		for _, event := range Events {
			var out, errs bytes.Buffer
			status := Run(t.Context(), Options{Stdin: strings.NewReader(payload(event)), Stdout: &out, Stderr: &errs, Timeout: 500 * time.Millisecond, Decide: fault})
			if !wellFormed(t, event, status, out.Bytes(), errs.Bytes()) {
				t.Errorf("%s: %s was let through: status %d, %s", name, event, status, &out)
			}
		}
	}
}

// Codex that never ends its payload, and a decision that ignores its deadline, are answered by the watchdog.
func TestTheWatchdogAnswers(t *testing.T) {
	never, w := io.Pipe()
	defer func() { _ = w.Close() }()
	for name, o := range map[string]Options{
		"input":    {Stdin: never},
		"decision": {Stdin: strings.NewReader(payload(PreToolUse)), Decide: func(context.Context, []byte) (Answer, error) { <-t.Context().Done(); return Answer{}, nil }},
	} {
		exit := make(chan int, 1)
		var out, errs bytes.Buffer
		o.Stdout, o.Stderr, o.Timeout, o.Exit = &out, &errs, 200*time.Millisecond, func(status int) { exit <- status }
		go Run(t.Context(), o)
		select {
		case status := <-exit:
			if status != 2 || errs.Len() == 0 {
				t.Errorf("%s: status %d, %q", name, status, &errs)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("%s: nobody answered", name)
		}
	}
}

func TestDeadlineIsInsideOfTheTimeout(t *testing.T) {
	for event, want := range map[string]time.Duration{PreToolUse: 48 * time.Second, SessionEnd: 1500 * time.Millisecond} {
		if got := Deadline(DefaultTimeout, event); got != want {
			t.Errorf("%s: %v, want %v", event, got, want)
		}
	}
}

// Over the socket the answer is that of who decides; without the pass nobody is asked, and a server that goes away is an error.
func TestSocket(t *testing.T) {
	dir := t.TempDir()
	if _, err := Dial(dir, nil, time.Minute); err == nil {
		t.Fatal("nobody listens")
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- Serve(ctx, dir, func(_ context.Context, q Question) Answer {
			if bytes.Contains(q.Payload, []byte("boom")) {
				panic("boom")
			}
			return Answer{Deny: len(q.Payload) > 1<<20, Allow: len(q.Environ) == 1, Reason: "r"}
		})
	}()
	var c *Conn
	var err error
	for late := time.Now().Add(30 * time.Second); time.Now().Before(late); time.Sleep(time.Millisecond) {
		if c, err = Dial(dir, []string{"HOME=/h", "OPENAI_API_KEY=k"}, time.Minute); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if a, err := c.Ask(t.Context(), []byte("{}")); err != nil || a != (Answer{Allow: true, Reason: "r"}) {
		t.Errorf("%+v, %v", a, err)
	}
	_ = c.Close()
	for _, raw := range [][]byte{[]byte("boom"), bytes.Repeat([]byte("x"), 2<<20)} {
		c, err := Dial(dir, nil, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if a, err := c.Ask(t.Context(), raw); err != nil || !a.Deny {
			t.Errorf("%d bytes: %+v, %v", len(raw), a, err)
		}
		_ = c.Close()
	}
	if err := writePass(dir, "another"); err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(dir, nil, time.Minute); err == nil {
		t.Error("it was greeted without the pass")
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func FuzzRun(f *testing.F) {
	for _, event := range Events {
		f.Add([]byte(payload(event)), true, "")
	}
	f.Add([]byte(`{"hook_event_name":"PreToolUse","hook_event_name":7}`), false, "\x00\xff")
	f.Add(append([]byte(payload(PreToolUse)), bytes.Repeat([]byte(" "), 1<<20)...), false, "x")
	f.Fuzz(func(t *testing.T, raw []byte, deny bool, reason string) {
		var out, errs bytes.Buffer
		decided := false
		status := Run(t.Context(), Options{Stdin: bytes.NewReader(raw), Stdout: &out, Stderr: &errs, Decide: func(context.Context, []byte) (Answer, error) {
			decided = true
			return Answer{Deny: deny, Allow: true, Reason: reason}, nil
		}})
		denies := wellFormed(t, EventOf(raw), status, out.Bytes(), errs.Bytes())
		if _, err := Parse(raw); (err != nil || deny) && !denies {
			t.Errorf("let through: status %d, %q", status, &out)
		} else if err != nil && decided {
			t.Error("decided about what cannot be read")
		}
	})
}

// A payload without a member that a decision needs, or with one of another type, is refused.
func TestMissingMembersAreRefused(t *testing.T) {
	whole := map[string]any{
		"hook_event_name": PreToolUse, "session_id": "s", "turn_id": "t", "cwd": "/", "tool_name": "Bash", "tool_use_id": "u", "tool_input": map[string]any{"command": "ls"},
	}
	if raw, _ := json.Marshal(whole); parses(raw) != nil {
		t.Fatal(parses(raw))
	}
	for name := range whole {
		for what, change := range map[string]func(map[string]any){
			"missing":   func(m map[string]any) { delete(m, name) },
			"a number":  func(m map[string]any) { m[name] = 7 },
			"a list":    func(m map[string]any) { m[name] = []string{"x"} },
			"not there": func(m map[string]any) { m[name] = nil },
		} {
			p := map[string]any{}
			for k, v := range whole {
				p[k] = v
			}
			change(p)
			raw, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			optional := name == "turn_id" || name == "tool_use_id"
			switch {
			case name == "tool_input", optional && (what == "missing" || what == "not there"):
				continue // judged by who decides about the tool
			case parses(raw) == nil:
				t.Errorf("%s %s: taken", name, what)
			}
		}
	}
}

func parses(raw []byte) error { _, err := Parse(raw); return err }
