package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/html"

	"proctor/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorded is an event.Reader over a slice.
type recorded struct {
	entries []event.Entry
	err     error
}

func (r recorded) Read(_ context.Context, from event.Seq, limit int) ([]event.Entry, error) {
	var out []event.Entry
	for _, e := range r.entries {
		if e.Seq >= from && len(out) < limit {
			out = append(out, e)
		}
	}
	return out, r.err
}

func (r recorded) Session(_ context.Context, session string, from uint64, limit int) ([]event.Entry, error) {
	if err := event.CheckSession(session); err != nil {
		return nil, err
	}
	var out []event.Entry
	for _, e := range r.entries {
		if e.Session == session && e.SessionSeq >= from && len(out) < limit {
			out = append(out, e)
		}
	}
	return out, r.err
}

func (recorded) Follow(context.Context, event.Seq, func(event.Entry) error) error {
	return errors.New("not used by pages")
}

const evil = "a</style></title><script>alert(1)</script><img src=x onerror=alert(2)>\" onclick=\"x\u202e\x1b[2J\xff"

func entries(n int) []event.Entry {
	payloads := []event.Payload{
		&event.ConversationStartsPayload{Model: evil, Cwd: event.Secret(evil)},
		&event.UserPromptPayload{Prompt: event.Secret(evil + "\n" + strings.Repeat(evil+"\n", 20))},
		&event.ExecOutputPayload{Chunk: event.Secret(evil)},
		&event.ToolResultPayload{ToolName: evil, Status: evil, Output: event.Secret(evil)},
		&event.SessionClosedPayload{Reason: evil},
	}
	var out []event.Entry
	for s := range n {
		session := fmt.Sprintf("s-%d", s)
		for i, p := range payloads {
			at := time.Date(2026, 11, 23, 14, s, i, 0, time.UTC)
			call := ""
			if i == 2 || i == 3 {
				call = evil
			}
			out = append(out, event.Entry{
				Receipt: event.Receipt{Seq: event.Seq(len(out)), SessionSeq: uint64(i + 1), Received: at}, Kind: p.Kind(), Session: session,
				Event: &event.Event{Kind: p.Kind(), Session: session, Turn: "t", Call: call, Time: at, Actor: event.Model, Payload: p},
			})
		}
	}
	return out
}

// check parses a page and reports what hostile text managed to become.
func check(t *testing.T, page string) {
	t.Helper()
	for _, r := range page {
		if r == 0x1b || r == 0x202e || r == '\uFFFD' {
			t.Errorf("the page holds %U", r)
		}
	}
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	styles := 0
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "script", "img", "form", "iframe", "object", "base", "link":
			t.Errorf("the page has an element <%s>", n.Data)
		case "style":
			styles++
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "src" || a.Key == "href" && !strings.HasPrefix(a.Val, "/") {
				t.Errorf("<%s> has the attribute %s=%q", n.Data, a.Key, a.Val)
			}
		}
	}
	if styles != 1 || !strings.Contains(page, "⟨ESC⟩") || !strings.Contains(page, "default-src &#39;none&#39;") {
		t.Errorf("%d style sheets, policy or escapes missing:\n%.600s", styles, page)
	}
}

func TestWriteHTMLEscapesHostileText(t *testing.T) {
	var b bytes.Buffer
	if err := WriteHTML(&b, entries(1)); err != nil {
		t.Fatal(err)
	}
	check(t, b.String())
	if strings.Contains(b.String(), `href="/"`) {
		t.Error("a file links to a server")
	}
	if err := WriteHTML(&b, nil); err != nil {
		t.Errorf("no entries: %v", err)
	}
}

// The policy in the page must admit the style sheet as it arrives.
func TestStyleSheetMatchesItsHash(t *testing.T) {
	var b bytes.Buffer
	if err := WriteHTML(&b, entries(1)); err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(b.String(), "<style>")
	got, _, _ := strings.Cut(rest, "</style>")
	if got != style {
		t.Error("the style sheet was changed on its way, so that its hash does not match")
	}
}

func get(t *testing.T, h http.Handler, method, target, host string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	r.Host = host
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Result(), string(body)
}

func TestHandler(t *testing.T) {
	h := Handler(recorded{entries: entries(150)}, Options{}) // more than one batch
	for _, test := range []struct {
		method, target, host string
		status               int
		page                 bool
	}{
		{"GET", "/", "localhost:8080", 200, true},
		{"GET", "/session/s-3", "127.0.0.1", 200, true},
		{"GET", "/session/s-3", "[::1]:80", 200, true},
		{"GET", "/session/none", "localhost", 404, false},
		{"GET", "/session/" + "%3Cscript%3E", "localhost", 404, false},
		{"GET", "/other", "localhost", 404, false},
		{"POST", "/", "localhost", 405, false},
		{"GET", "/", "evil.example", 421, false},
		{"GET", "/", "localhost.evil.example", 421, false},
	} {
		answer, body := get(t, h, test.method, test.target, test.host)
		if answer.StatusCode != test.status {
			t.Errorf("%s %s at %s: status %d, want %d", test.method, test.target, test.host, answer.StatusCode, test.status)
		}
		if csp := answer.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; style-src 'sha256-") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: policy %q", test.target, csp)
		}
		if test.page {
			check(t, body)
		} else if strings.Contains(body, "<script>") {
			t.Errorf("%s: %s", test.target, body)
		}
	}
	_, body := get(t, h, "GET", "/", "localhost")
	if strings.Index(body, "/session/s-149") > strings.Index(body, "/session/s-0") || strings.Count(body, `href="/session/`) != 150 {
		t.Error("the list is not whole, newest first")
	}
}

func TestHandlerHidesTheReasonOfAFailure(t *testing.T) {
	h := Handler(recorded{err: errors.New("open /secret/path: denied")}, Options{Hosts: []string{"audit.example"}})
	for _, target := range []string{"/", "/session/s-1"} {
		answer, body := get(t, h, "GET", target, "audit.example:443")
		if answer.StatusCode != 500 || strings.Contains(body, "secret") {
			t.Errorf("%s: %d %s", target, answer.StatusCode, body)
		}
	}
}
