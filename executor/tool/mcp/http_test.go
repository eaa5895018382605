package mcp

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"proctor/executor/tool"
)

// overHTTP serves the test server on loopback.
func overHTTP(t *testing.T, wrap func(http.Handler) http.Handler) string {
	t.Helper()
	s := testServer()
	var h http.Handler = sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return s }, nil)
	if wrap != nil {
		h = wrap(h)
	}
	web := httptest.NewServer(h)
	t.Cleanup(func() {
		for session := range s.Sessions() { // those whose client went without a word
			_ = session.Close()
		}
		web.Close()
	})
	return web.URL
}

func reach(t *testing.T, c ServerConfig) (*Server, *tool.Registry, error) {
	t.Helper()
	if c.Name == "" {
		c.Name = "demo"
	}
	s, err := Start(context.Background(), c, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, err
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	r, err := tool.NewRegistry(s.Tools()...)
	return s, r, err
}

func TestServerOverHTTP(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]bool{}
	url := overHTTP(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			seen[r.Method+" "+r.Header.Get("Authorization")+" "+r.Header.Get("X-Team")] = true
			mu.Unlock()
			h.ServeHTTP(w, r)
		})
	})
	_, r, err := reach(t, ServerConfig{URL: url, Headers: map[string]string{"Authorization": "Bearer s3cret", "X-Team": "red"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, arguments, want string
		success               bool
	}{
		{"echo", `{"t":"hey"}`, "you said hey", true},
		{"boom", `{}`, "it broke", false},
		{"fail", `{}`, "tool call error: ", false},
		{"flood", `{}`, "Warning: truncated output", true},
	} {
		p, got, err := call(t, context.Background(), r, c.name, c.arguments)
		if err != nil || got.Success != c.success || !strings.Contains(got.Output, c.want) || len(got.Output) > 50_000 || p.Action().Origin != url {
			t.Errorf("%s: got %v %.300q %v", c.name, got.Success, got.Output, err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for head := range seen {
		if !strings.HasSuffix(head, " Bearer s3cret red") {
			t.Errorf("a request without the headers: %s", head)
		}
	}
}

func TestSlowAndDyingServersOverHTTP(t *testing.T) {
	url := overHTTP(t, nil)
	_, r, err := reach(t, ServerConfig{URL: url, ToolTimeout: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if _, got, err := call(t, context.Background(), r, "slow_tool_x", `{}`); err != nil || !got.Unanswered || !strings.Contains(got.Output, "within 300ms") {
		t.Errorf("slow: got %+v %v", got, err)
	}
	if _, got, err := call(t, context.Background(), r, "echo", `{"t":1}`); err != nil || !got.Success {
		t.Errorf("after a deadline: got %+v %v", got, err)
	}

	var dead http.HandlerFunc
	h := overHTTP(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if dead != nil {
				dead(w, r)
				return
			}
			h.ServeHTTP(w, r)
		})
	})
	_, r, err = reach(t, ServerConfig{URL: h, ToolTimeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	dead = func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }
	start := time.Now()
	if _, got, err := call(t, context.Background(), r, "echo", `{}`); err != nil || !got.Unanswered || time.Since(start) > 6*time.Second {
		t.Errorf("dead: got %+v %v after %s", got, err, time.Since(start))
	}
}

func TestAnswersOverHTTPAreBounded(t *testing.T) {
	url := overHTTP(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			chunk := []byte(strings.Repeat(" ", 1<<20))
			for range 64 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		})
	})
	if _, _, err := reach(t, ServerConfig{URL: url, StartupTimeout: 10 * time.Second}); err == nil || !strings.Contains(err.Error(), "16 MiB") {
		t.Errorf("got %v", err)
	}
}

// A redirect could carry the token to another host.
func TestRedirectsAreNotFollowed(t *testing.T) {
	var mu sync.Mutex
	var stolen []string
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		stolen = append(stolen, r.Header.Get("Authorization"))
	}))
	defer thief.Close()
	url := overHTTP(t, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, thief.URL, http.StatusTemporaryRedirect)
		})
	})
	_, _, err := reach(t, ServerConfig{URL: url, Headers: map[string]string{"Authorization": "Bearer s3cret"}, StartupTimeout: 5 * time.Second})
	mu.Lock()
	defer mu.Unlock()
	if err == nil || len(stolen) > 0 || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v, the other host saw %q", err, stolen)
	}
}

func TestRefusedOverHTTP(t *testing.T) {
	url := overHTTP(t, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusUnauthorized) })
	})
	if _, _, err := reach(t, ServerConfig{URL: url + "/path?key=abc", StartupTimeout: 5 * time.Second}); err == nil || !strings.Contains(err.Error(), url) {
		t.Errorf("got %v", err)
	}
}
