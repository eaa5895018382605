package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdWebsite starts a server that stands for the network outside.
func cmdWebsite(ts *testscript.TestScript, _ bool, _ []string) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "hello from %s\n", r.URL.Path)
	}))
	ts.Defer(site.Close)
	at := site.Listener.Addr().String()
	_, port, err := net.SplitHostPort(at)
	ts.Check(err)
	ts.Setenv("SITE", at)
	ts.Setenv("SITE_PORT", port)
}
