package netproxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUpstreamProxy(t *testing.T) {
	w := newWorld(t, table("site.test", "inner.test", "127.0.0.1", "refused.test", "skipped.test"), Limits{})
	for _, n := range []string{"site.test", "refused.test", "skipped.test"} {
		w.name(n, publicA)
	}
	w.name("inner.test", "10.0.0.1")
	w.site("127.0.0.1:80", http.NotFoundHandler())
	w.site(publicA+":80", http.NotFoundHandler())
	w.wire("corp.test:3128", func(_ int, in *bufio.Reader, out net.Conn) {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		line := r.Method + " " + r.RequestURI + " " + r.Host + " " + r.Header.Get("Proxy-Authorization")
		switch {
		case strings.Contains(r.RequestURI, "refused.test"):
			_, _ = io.WriteString(out, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
		case r.Method == http.MethodConnect:
			fmt.Fprintf(out, "HTTP/1.1 200 OK\r\n\r\n<%s>", line)
		default:
			fmt.Fprintf(out, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(line), line)
		}
	})
	env := map[string]string{"HTTP_PROXY": "http://u:p@corp.test:3128", "NO_PROXY": "skipped.test"}
	var warnings []string
	w.proxy.upstream, warnings = UpstreamFrom(func(n string) string { return env[n] })
	if len(warnings) > 0 {
		t.Error(warnings)
	}
	w.serve(nil)
	got := w.raw("GET http://site.test/a?b HTTP/1.1\r\nHost: site.test\r\nProxy-Authorization: own\r\nConnection: close\r\n\r\n")
	if want := "GET http://site.test/a?b site.test Basic dTpw"; !strings.HasSuffix(got, want) {
		t.Errorf("answer lacks %q: %q", want, got)
	}
	if end := <-w.ends; end.Via != "corp.test:3128" || end.Dialled.IsValid() || len(end.Resolved) != 1 {
		t.Errorf("end is %+v", end)
	}
	_, in, status := w.connect("site.test:443")
	if b, _ := io.ReadAll(in); status != 200 || string(b) != "<CONNECT site.test:443 site.test:443 Basic dTpw>" {
		t.Errorf("tunnel says %d %q", status, b)
	}
	c, err := w.socks().Dial("tcp", "site.test:22")
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(c); !strings.Contains(string(b), "CONNECT site.test:22") {
		t.Errorf("SOCKS says %q", b)
	}
	for to, want := range map[string]int{"refused.test:443": 502, "inner.test:443": 403, "other.test:443": 403, "169.254.169.254:80": 403} {
		if _, _, status := w.connect(to); status != want {
			t.Errorf("%s: %d, want %d", to, status, want)
		}
	}
	for _, direct := range []string{"127.0.0.1", "skipped.test"} {
		if got := w.raw("GET http://" + direct + "/ HTTP/1.1\r\nConnection: close\r\n\r\n"); !strings.Contains(got, "404 ") {
			t.Errorf("%s: %q", direct, got)
		}
	}
}

func TestUpstreamFrom(t *testing.T) {
	for _, c := range []struct {
		name     string
		env      map[string]string
		plain    string
		secure   string
		warnings int
	}{
		{"none", nil, "", "", 0},
		{"http for both", map[string]string{"http_proxy": "corp:1"}, "http://corp:1", "http://corp:1", 0},
		{"each its own", map[string]string{"HTTP_PROXY": "http://a:1", "HTTPS_PROXY": "https://b:2"}, "http://a:1", "https://b:2", 0},
		{"all", map[string]string{"ALL_PROXY": "http://c:3"}, "http://c:3", "http://c:3", 0},
		{"socks is not used", map[string]string{"ALL_PROXY": "socks5h://c:3", "HTTP_PROXY": "http://a:1"}, "http://a:1", "http://a:1", 1},
		{"socks alone", map[string]string{"ALL_PROXY": "socks5://c:3"}, "", "", 1},
		{"no host", map[string]string{"HTTPS_PROXY": "http://"}, "", "", 1},
	} {
		u, warnings := UpstreamFrom(func(n string) string { return c.env[n] })
		show := func(protocol string) string {
			d := Decision{Host: "x.test", Port: 80, Protocol: "http"}
			if protocol == "https" {
				d.Port, d.Protocol = 443, "https_connect"
			}
			if via := u.pick(d); via != nil {
				return via.String()
			}
			return ""
		}
		if diff := cmp.Diff([]any{c.plain, c.secure, c.warnings}, []any{show("http"), show("https"), len(warnings)}); diff != "" {
			t.Errorf("%s:\n%s%v", c.name, diff, warnings)
		}
	}
}
