package app

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"proctor/internal/codex/appserver"
)

// Codex is given nothing to do before it is at our executor, and that it does not come is an error that says so.
func TestCodexMustAttach(t *testing.T) {
	t.Parallel()
	server := func(script string) *codexRun {
		c, err := appserver.Start(appserver.Options{Argv: []string{"sh", "-c", script}, Dir: "/", Told: func(string, json.RawMessage) {}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return &codexRun{client: c, attached: make(chan struct{})}
	}
	there := server("cat >/dev/null")
	close(there.attached)
	if err := there.await(t.Context(), time.Minute); err != nil {
		t.Error(err)
	}
	if err := server("cat >/dev/null").await(t.Context(), time.Millisecond); err == nil || !strings.Contains(err.Error(), "given nothing to do") {
		t.Error(err)
	}
	if err := server("exit 0").await(t.Context(), time.Minute); !errors.Is(err, appserver.ErrGone) {
		t.Error(err)
	}
	stopped, stop := context.WithCancelCause(t.Context())
	why := errors.New("interrupted")
	stop(why)
	if err := server("cat >/dev/null").await(stopped, time.Minute); !errors.Is(err, why) {
		t.Error(err)
	}
}

func TestPermissionsOfCodex(t *testing.T) {
	t.Parallel()
	for asked, want := range map[string]string{
		`{"network":{"enabled":true}}`:                                                                      `{"permissions":{"network":{"enabled":true}},"reason":"r"}`,
		`{"network":{"enabled":false},"fileSystem":null}`:                                                   `{"permissions":{},"reason":"r"}`,
		`{"fileSystem":{"read":["/a"],"write":["/b"]}}`:                                                     `{"permissions":{"file_system":{"read":["/a"],"write":["/b"]}},"reason":"r"}`,
		`{"fileSystem":{"entries":[{"path":{"type":"path","path":"/a"},"access":"write"}],"write":["/a"]}}`: `{"permissions":{"file_system":{"read":[],"write":["/a"]}},"reason":"r"}`,
		`{"fileSystem":{"entries":[{"path":{"type":"path","path":"/a"},"access":"deny"}]}}`:                 "",
		`{"fileSystem":{"entries":[{"path":{"type":"special","value":{"kind":"root"}},"access":"write"}]}}`: "",
		`{"fileSystem":{"entries":[{"path":{"type":"glob_pattern","pattern":"**"},"access":"read"}]}}`:      "",
	} {
		var p codexPermissions
		if err := json.Unmarshal([]byte(asked), &p); err != nil {
			t.Fatal(err)
		}
		got, err := p.arguments("r")
		if (err != nil) != (want == "") || err == nil && got != want {
			t.Errorf("%s: %s, %v; want %s", asked, got, err, want)
		}
	}
}
