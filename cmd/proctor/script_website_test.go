package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdWebsite starts a server that stands for the network outside: of the files in a folder, or of one sentence.
func cmdWebsite(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) <= 1, "website [FOLDER]")
	site := httptest.NewServer(pages(ts, args))
	ts.Defer(site.Close)
	at := site.Listener.Addr().String()
	_, port, err := net.SplitHostPort(at)
	ts.Check(err)
	ts.Setenv("SITE", at)
	ts.Setenv("SITE_PORT", port)
}

func pages(ts *testscript.TestScript, folder []string) http.Handler {
	if len(folder) == 1 {
		return http.FileServerFS(os.DirFS(ts.MkAbs(folder[0])))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect { // what a tunnel leads to greets with its name
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\n\r\nhello from %s\n", r.Host)
				_ = conn.Close()
			}
			return
		}
		_, _ = fmt.Fprintf(w, "hello from %s\n", r.URL.Path)
	})
}

// cmdUnixsite starts the same server of one sentence on a Unix socket.
func cmdUnixsite(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 1, "unixsite SOCKET")
	path := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(filepath.Dir(path), 0o700))
	l, err := net.Listen("unix", path)
	ts.Check(err)
	site := httptest.NewUnstartedServer(pages(ts, nil))
	_ = site.Listener.Close()
	site.Listener = l
	site.Start()
	ts.Defer(site.Close)
}
