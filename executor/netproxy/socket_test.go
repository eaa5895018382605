package netproxy

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestUnixSockets(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	site := func(name string) {
		l, err := net.Listen("unix", at(name))
		if err != nil {
			t.Fatal(err)
		}
		s := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(rw, "<%s %s %s %d>", name, r.Host, r.URL.Path, len(r.Header))
		})}
		var wg sync.WaitGroup
		wg.Go(func() { _ = s.Serve(l) })
		t.Cleanup(func() { _ = s.Close(); wg.Wait() })
	}
	link := func(to, name string) {
		if err := os.Symlink(at(to), at(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(at("real"), 0o700); err != nil {
		t.Fatal(err)
	}
	site("real/a")
	site("secret")
	site("denied")
	link("real", "run")        // listed through this link
	link("real/a", "listed")   // a link that is listed, and changed later
	link("secret", "tmp.sock") // one that leads elsewhere
	link("real/a", "alias")    // not listed, but leads to what is
	link("denied", "to-denied")
	c := table()
	c.UnixSockets = map[string]string{at("run/a"): "allow", at("listed"): "allow", at("denied"): "deny", at("later"): "allow"}
	w := newWorld(t, c, Limits{}).serve(nil)
	if err := os.Remove(at("listed")); err != nil {
		t.Fatal(err)
	}
	link("secret", "listed")
	for path, want := range map[string]string{
		at("real/a"): "<real/a box /x 0>", at("run/a"): "<real/a ", at("alias"): "<real/a ",
		at("listed"): "403", at("secret"): "403", at("tmp.sock"): "403", at("denied"): "403", at("to-denied"): "403", at("later"): "502", at("none"): "403",
		"real/a": "403", at("run") + "/../real/a": "403", at("run") + "//a": "403", "/proc/self/root" + at("secret"): "403", "\x01": "400", strings.Repeat("/a", 2000): "403",
	} {
		got := w.raw("GET http://box/x HTTP/1.1\r\nHost: box\r\nX-Unix-Socket: " + path + "\r\nConnection: close\r\n\r\n")
		if !strings.Contains(got, want) {
			t.Errorf("%q: answer lacks %q:\n%s", path, want, got)
		}
	}
	all := c
	all.DangerouslyAllowAllUnixSockets = true
	if err := w.proxy.SetPolicy(all); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{at("secret"): "<secret ", at("tmp.sock"): "<secret ", at("denied"): "403", at("to-denied"): "403"} {
		got := w.raw("GET http://box/x HTTP/1.1\r\nHost: box\r\nX-Unix-Socket: " + path + "\r\nConnection: close\r\n\r\n")
		if !strings.Contains(got, want) {
			t.Errorf("with all sockets, %q: answer lacks %q:\n%s", path, want, got)
		}
	}
	if p := Payload(w.last()); p.Scope != "non_domain" {
		t.Errorf("payload %+v", p)
	}
}
