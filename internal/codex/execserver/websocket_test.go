package execserver

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/websocket"
)

// nobody is a host that supervises nothing: what comes to it was let in.
type nobody struct{}

var errNobody = errors.New("it was let in")

func (nobody) Session(context.Context, Thread) (*Session, error) { return nil, errNobody }

// listening serves until the test ends; url is without a path.
func listening(t *testing.T, o Options, token string) (url string) {
	t.Helper()
	o.Host, o.Environment = nobody{}, NewEnvironment("/bin/sh", "/", "", "/tmp")
	l, err := Listen(t.Context(), "ws://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := New(o).ServeListener(ctx, l, token, func(err error) { t.Errorf("connection: %v", err) }); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); serving.Wait() })
	return "ws://" + l.Addr().String()
}

// originless takes the Origin out of what is written: Codex sends none, and the library always does.
type originless struct{ net.Conn }

var originLine = regexp.MustCompile(`Origin: [^\r]*\r\n`)

func (c originless) Write(b []byte) (int, error) {
	_, err := c.Conn.Write(originLine.ReplaceAll(b, nil))
	return len(b), err
}

// dial connects as Codex does, or as a web page of an origin.
func dial(t *testing.T, url, authorization, origin string) (*websocket.Conn, error) {
	t.Helper()
	c, err := websocket.NewConfig(url, cmp.Or(origin, "http://unused"))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := net.DialTimeout("tcp", c.Location.Host, 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })
	if authorization != "" {
		c.Header.Set("Authorization", authorization)
	}
	if origin == "" {
		raw = originless{raw}
	}
	return websocket.NewClient(c, raw)
}

func TestWhoMayConnect(t *testing.T) {
	t.Parallel()
	const token = "a-token-of-this-test"
	with, without := listening(t, Options{}, token), listening(t, Options{}, "")
	for name, c := range map[string]struct {
		url, authorization, origin string
		ok                         bool
	}{
		"in the path":             {with + "/" + token, "", "", true},
		"as header":               {with, "Bearer " + token, "", true},
		"none":                    {with, "", "", false},
		"another":                 {with + "/" + token + "x", "Bearer x", "", false},
		"empty":                   {with + "/", "Bearer ", "", false},
		"a web page":              {without, "", "http://example.com", false},
		"a web page with a token": {with + "/" + token, "", "http://127.0.0.1", false},
		"none is needed":          {without, "", "", true},
	} {
		ws, err := dial(t, c.url, c.authorization, c.origin)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			_ = ws.Close()
		}
	}
}

// ask sends a request and returns the answer to it.
func ask(t *testing.T, ws *websocket.Conn, request string) (a struct {
	Result json.RawMessage
	Error  *callError
}) {
	t.Helper()
	_ = ws.SetDeadline(time.Now().Add(30 * time.Second))
	if err := websocket.Message.Send(ws, request); err != nil {
		t.Fatal(err)
	}
	if err := websocket.JSON.Receive(ws, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// A client works in the allowed folders only, wherever its request says that it works; what the server does not know is refused by name.
func TestClientsWorkWhereTheyMay(t *testing.T) {
	t.Parallel()
	url := listening(t, Options{Workspace: "/in", Allowed: func(at string) error {
		if at != "/in" && !strings.HasPrefix(at, "/in/") {
			return errors.New("not there")
		}
		return nil
	}}, "")
	ws, err := dial(t, url, "", "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.Close() }()
	if a := ask(t, ws, `{"id":1,"method":"initialize","params":{"clientName":"c","resumeSessionId":null}}`); a.Error != nil {
		t.Fatal(a.Error)
	}
	start := func(id, thread, root string) string {
		return `{"id":` + id + `,"method":"process/start","params":{"processId":"p` + id + `","metadata":{"threadId":"` + thread + `","toolCallId":"c"},"argv":["true"],"cwd":"file:///",` +
			`"sandbox":{"permissions":{"type":"managed","network":"restricted","file_system":{"type":"restricted","entries":[]}},"workspaceRoots":["file://` + root + `"],"cwd":"file://` + root + `"}}}`
	}
	for i, c := range []struct{ root, want string }{{"/in/a", errNobody.Error()}, {"/in", errNobody.Error()}, {"/inside", "not there"}, {"/", "not there"}, {"/in/../etc", "not there"}} {
		a := ask(t, ws, start(string(rune('2'+i)), "01a22b11-2b44-78d2-a69c-a3ec47de4be"+string(rune('0'+i)), c.root))
		if a.Error == nil || !strings.Contains(a.Error.Message, c.want) {
			t.Errorf("%s: %+v, want %q", c.root, a.Error, c.want)
		}
	}
	if a := ask(t, ws, `{"id":9,"method":"fs/chmod","params":{"path":"file:///in"}}`); a.Error == nil || a.Error.Code != codeMethod || !strings.Contains(a.Error.Message, "fs/chmod") {
		t.Errorf("%+v", a.Error)
	}
	if a := ask(t, ws, `{"id":10,"method":"initialize","params":{"clientName":"c","resumeSessionId":"s"}}`); a.Error == nil || !strings.Contains(a.Error.Message, "resumed") {
		t.Errorf("%+v", a.Error)
	}
}

// Another version of Codex is served, and a person is told once.
func TestAnotherVersionIsSaid(t *testing.T) {
	t.Parallel()
	var told []string
	c := newConnection(Options{Warn: func(text string) { told = append(told, text) }}, nil, nil)
	c.met("")
	c.met("0.170.0")
	c.met("0.171.0")
	if len(told) != 1 || !strings.Contains(told[0], "0.170.0") || !strings.Contains(told[0], ProtocolVersion) {
		t.Error(told)
	}
	told = nil
	c = newConnection(Options{Warn: func(text string) { told = append(told, text) }}, nil, nil)
	if c.met(ProtocolVersion); len(told) != 0 {
		t.Error(told)
	}
}
