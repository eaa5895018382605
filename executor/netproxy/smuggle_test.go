package netproxy

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"proctor/policy"
	"proctor/policy/egress"
)

// TestSmuggling sends what parsers disagree about. A request is refused, or the destination sees exactly what was judged: one
// request, to the host that was allowed, with the body that belongs to it.
func TestSmuggling(t *testing.T) {
	const rest = "\r\n\r\nGET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n"
	post := func(fields, body string) string {
		return "POST http://site.test/ HTTP/1.1\r\nHost: site.test\r\n" + fields + "\r\n\r\n" + body
	}
	get := func(target, fields string) string { return "GET " + target + " HTTP/1.1\r\n" + fields + "\r\n" }
	for _, c := range []struct{ name, send, want string }{ // want is the status, and for 200 what the destination sees
		{"plain", get("http://site.test/", "Host: site.test\r\n"), "200 GET / site.test []"},
		{"length and coding", post("Content-Length: 5\r\nTransfer-Encoding: chunked", "0"+rest), "400"},
		{"coding and length", post("Transfer-Encoding: chunked\r\nContent-Length: 5", "0"+rest), "400"},
		{"two lengths", post("Content-Length: 3\r\nContent-Length: 5", "abcde"), "400"},
		{"the same length twice", post("Content-Length: 3\r\nContent-Length: 3", "abc"), "400"},
		{"list of lengths", post("Content-Length: 3, 3", "abc"), "400"},
		{"signed length", post("Content-Length: +3", "abc"), "400"},
		{"negative length", post("Content-Length: -3", "abc"), "400"},
		{"hexadecimal length", post("Content-Length: 0x3", "abc"), "400"},
		{"huge length", post("Content-Length: 99999999999999999999", "abc"), "400"},
		{"empty length", post("Content-Length:", "abc"), "400"},
		{"blank in the length", post("Content-Length: 1 2", "abc"), "400"},
		{"blank before the colon", post("Content-Length : 3", "abc"), "400"},
		{"blank before the name", post(" Content-Length: 3", "abc"), "400"},
		{"folded length", post("X: 1\r\n Content-Length: 3", "abc"), "400"},
		{"unknown coding", post("Transfer-Encoding: xchunked", "0"+rest), "400"},
		{"coding behind another", post("Transfer-Encoding: gzip, chunked", "0"+rest), "400"},
		{"chunked twice", post("Transfer-Encoding: chunked, chunked", "0"+rest), "400"},
		{"two codings", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "0"+rest), "400"},
		{"coding with a tab", post("Transfer-Encoding:\tchunked", "3\r\nabc\r\n0\r\n\r\n"), "200 POST / site.test [abc]"},
		{"coding with a control byte", post("Transfer-Encoding: \x0bchunked", "0"+rest), "400"},
		{"coding in old HTTP", "POST http://site.test/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0" + rest, "400"},
		{"chunked", post("Transfer-Encoding: CHUNKED", "3;x=y\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n"), "200 POST / site.test [abc]"},
		{"length named as hop", post("Connection: Content-Length\r\nContent-Length: 3", "abc"), "200 POST / site.test [abc]"},
		{"host named as hop", post("Connection: Host\r\nContent-Length: 3", "abc"), "200 POST / site.test [abc]"},
		{"bare newline in the head", post("X: 1\nX-Evil: 2\r\nContent-Length: 3", "abc"), "400"},
		{"bare return in the head", post("X: 1\rX-Evil: 2\r\nContent-Length: 3", "abc"), "400"},
		{"zero byte", post("X: 1\x00\r\nContent-Length: 3", "abc"), "400"},
		{"field without a name", post(": 1\r\nContent-Length: 3", "abc"), "400"},
		{"field without a colon", post("X\r\nContent-Length: 3", "abc"), "400"},
		{"no version", "GET http://site.test/\r\n\r\n", "400"},
		{"version 0.9", "GET http://site.test/ HTTP/0.9\r\n\r\n", "400"},
		{"version 2", "GET http://site.test/ HTTP/2.0\r\n\r\n", "400"},
		{"odd version", "GET http://site.test/ HTTP/1.1x\r\n\r\n", "400"},
		{"two blanks", "GET  http://site.test/ HTTP/1.1\r\n\r\n", "400"},
		{"tab for a blank", "GET\thttp://site.test/\tHTTP/1.1\r\n\r\n", "400"},
		{"blank in the target", "GET http://site.test/ x HTTP/1.1\r\n\r\n", "400"},
		{"blank at the end", "GET http://site.test/ HTTP/1.1 \r\n\r\n", "400"},
		{"method with a control byte", "G\x01T http://site.test/ HTTP/1.1\r\n\r\n", "400"},
		{"method with a slash", "G/T http://site.test/ HTTP/1.1\r\n\r\n", "400"},
		{"user information", get("http://evil.test@site.test/", ""), "200 GET / site.test []"},
		{"user information that looks like a host", get("http://site.test@evil.test/", ""), "403"},
		{"password that looks like a host", get("http://u:site.test@evil.test/", ""), "403"},
		{"backslash", get(`http://site.test\@evil.test/`, ""), "400"},
		{"fragment", get("http://site.test#@evil.test/", ""), "400"},
		{"query before the path", get("http://site.test?@evil.test/", ""), "200 GET /?@evil.test/ site.test []"},
		{"encoded host", get("http://evil%2etest/", ""), "4"},
		{"encoded at sign", get("http://site.test%40evil.test/", ""), "400"},
		{"encoded newline", get("http://site.test/%0d%0aHost:%20evil.test", ""), "200 GET /%0d%0aHost:%20evil.test site.test []"},
		{"two ports", get("http://site.test:80:81/", ""), "400"},
		{"port with zeros", get("http://site.test:0080/", ""), "200 GET / site.test:0080 []"},
		{"port too large", get("http://site.test:65536/", ""), "400"},
		{"port zero", get("http://site.test:0/", ""), "400"},
		{"negative port", get("http://site.test:-80/", ""), "400"},
		{"signed port", get("http://site.test:+80/", ""), "400"},
		{"no host", get("http:///", ""), "400"},
		{"no authority", get("http:site.test/", ""), "400"},
		{"other scheme", get("ftp://site.test/", ""), "400"},
		{"scheme in capitals", get("HTTP://site.test/", ""), "200 GET / site.test []"},
		{"https", get("https://site.test/", ""), "400"},
		{"file", get("file:///etc/passwd", ""), "400"},
		{"double slash", get("//evil.test/", "Host: site.test\r\n"), "200 GET //evil.test/ site.test []"},
		{"origin form", get("/a", "Host: site.test\r\n"), "200 GET /a site.test []"},
		{"origin form to evil", get("/a", "Host: evil.test\r\n"), "403"},
		{"origin form, absolute in the path", get("/http://evil.test/", "Host: site.test\r\n"), "200 GET /http://evil.test/ site.test []"},
		{"origin form without Host", get("/a", ""), "400"},
		{"origin form, empty Host", get("/a", "Host:\r\n"), "400"},
		{"Host with a path", get("/a", "Host: site.test/x\r\n"), "400"},
		{"Host with user information", get("/a", "Host: evil@site.test\r\n"), "400"},
		{"Host list", get("/a", "Host: site.test, evil.test\r\n"), "400"},
		{"Host differs", get("http://site.test/", "Host: evil.test\r\n"), "400"},
		{"Host differs in the port", get("http://site.test/", "Host: site.test:81\r\n"), "400"},
		{"Host differs in case", get("http://site.test/", "Host: SITE.test\r\n"), "200 GET / site.test []"},
		{"Host with the standard port", get("http://site.test/", "Host: site.test:80\r\n"), "200 GET / site.test []"},
		{"Host with a dot", get("http://site.test/", "Host: site.test.\r\n"), "400"},
		{"Host twice", get("http://site.test/", "Host: site.test\r\nHost: site.test\r\n"), "400"},
		{"Host twice in other letters", get("http://site.test/", "Host: site.test\r\nhOST: evil.test\r\n"), "400"},
		{"forwarded fields are only fields", get("http://site.test/", "X-Forwarded-Host: evil.test\r\nForwarded: host=evil.test\r\n"), "200 GET / site.test []"},
		{"asterisk", "OPTIONS * HTTP/1.1\r\nHost: site.test\r\n\r\n", "400"},
		{"CONNECT", "CONNECT site.test:80 HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost: site.test\r\n\r\n", "200 GET / site.test []"},
		{"CONNECT to a URL", "CONNECT http://site.test:80/ HTTP/1.1\r\n\r\n", "400"},
		{"CONNECT with a path", "CONNECT site.test:80/x HTTP/1.1\r\n\r\n", "400"},
		{"CONNECT with user information", "CONNECT evil.test@site.test:80 HTTP/1.1\r\n\r\n", "400"},
		{"CONNECT without a host", "CONNECT :80 HTTP/1.1\r\n\r\n", "400"},
		{"CONNECT without a port", "CONNECT site.test HTTP/1.1\r\n\r\n", "400"},
		{"CONNECT with an empty port", "CONNECT site.test: HTTP/1.1\r\n\r\n", "400"},
		{"CONNECT to port 0", "CONNECT site.test:0 HTTP/1.1\r\n\r\n", "400"},
		{"CONNECT to port 65536", "CONNECT site.test:65536 HTTP/1.1\r\n\r\n", "400"},
		{"CONNECT to a name for a port", "CONNECT site.test:http HTTP/1.1\r\n\r\n", "400"},
		{"CONNECT to a port that a rule lacks", "CONNECT ported.test:25 HTTP/1.1\r\n\r\n", "403"},
		{"CONNECT to loopback", "CONNECT [::1]:80 HTTP/1.1\r\n\r\n", "403"},
		{"CONNECT to a zone", "CONNECT [fe80::1%25lo]:80 HTTP/1.1\r\n\r\n", "403"},
		{"CONNECT to a bracketed name", "CONNECT [site.test]:80 HTTP/1.1\r\n\r\n", "400"},
		{"CONNECT with a body", "CONNECT site.test:80 HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", "400"},
		{"CONNECT with a coding", "CONNECT site.test:80 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
		{"CONNECT with another Host", "CONNECT site.test:80 HTTP/1.1\r\nHost: evil.test:80\r\n\r\n", "400"},
		{"connect in small letters", "connect site.test:80 HTTP/1.1\r\n\r\n", "400"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, table("site.test", "ported.test:443"), Limits{})
			w.name("site.test", publicA)
			var mu sync.Mutex
			var seen []string
			w.wire(publicA+":80", func(_ int, in *bufio.Reader, out net.Conn) {
				for {
					r, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					body, err := io.ReadAll(r.Body)
					if err != nil {
						t.Errorf("destination: %v", err)
					}
					mu.Lock()
					seen = append(seen, fmt.Sprintf("%s %s %s [%s]", r.Method, r.RequestURI, r.Host, body))
					mu.Unlock()
					_, _ = io.WriteString(out, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				}
			})
			w.serve(nil)
			conn := w.open()
			_, _ = io.WriteString(conn, c.send)
			_ = conn.(*net.TCPConn).CloseWrite()
			got, _ := io.ReadAll(conn)
			_ = conn.Close()
			w.stop()
			<-w.stopped
			status, want, _ := strings.Cut(c.want, " ")
			if !strings.HasPrefix(string(got), "HTTP/1.1 "+status) {
				t.Errorf("answer %q, want %s", got, status)
			}
			all := strings.Join(seen, "; ")
			if want != all {
				t.Errorf("destination saw %q, want %q", all, want)
			}
			for _, d := range w.dialled {
				if d != publicA+":80" {
					t.Errorf("dialled %s", d)
				}
			}
		})
	}
}

// sink is a road's connection that keeps what is sent.
type sink struct {
	net.Conn
	bytes.Buffer
}

func (s *sink) Write(b []byte) (int, error) { return s.Buffer.Write(b) }
func (s *sink) Read(b []byte) (int, error)  { return 0, io.EOF }

// What is forwarded reads back as one request, to the host that was judged, without a field for this hop, and as nothing else.
func FuzzForwarded(f *testing.F) {
	for _, s := range []string{
		"GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n", "POST http://a.test:81/x?y HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
		"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n3\r\nabc\r\n0\r\nX: 1\r\n\r\n",
		"GET http://u:p@a/ HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", "HEAD http://[::1]/ HTTP/1.0\r\nConnection: x\r\nX: 1\r\n\r\n",
		"PUT http://a/ HTTP/1.1\r\nContent-Length: 0\r\nUser-Agent:\r\nConnection: content-length\r\n\r\n", "GET http://a?b HTTP/1.1\r\n\r\n", "GET //a/ HTTP/1.1\r\nHost: b\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	p, err := New(Options{Policy: table("*")})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := readRequest(bufio.NewReaderSize(bytes.NewReader(b), 4096))
		if err != nil || r.Method == http.MethodConnect {
			return
		}
		judge := func(host string, port uint16) egress.Decision {
			return p.policy.Load().Decide(egress.Request{Host: host, Port: port, Protocol: egress.HTTP, Method: r.Method},
				func(string) ([]netip.Addr, error) { return []netip.Addr{netip.MustParseAddr(publicA)}, nil })
		}
		d := judge(r.host, r.port)
		if d.Outcome != policy.Allow {
			return
		}
		life := p.live(context.Background(), nil)
		defer life.end()
		x := p.begin(life, Decision{Protocol: egress.HTTP})
		out := &sink{}
		_ = x.take(&road{Conn: out})
		c := &client{p: p}
		c.outgoing(x, r.Request)
		s := &sending{}
		err = x.write(r.Request, s)
		x.silence.Stop()
		if err != nil {
			return // the client did not send what it announced
		}
		in := bufio.NewReader(&out.Buffer)
		back, err := http.ReadRequest(in)
		if err != nil {
			t.Fatalf("%q is forwarded as %q: %v", b, out.String(), err)
		}
		host, port, err := splitAuthority(back.Host, "80")
		if err != nil || judge(host, port).Host != d.Host || port != r.port {
			t.Fatalf("%q was judged as %s:%d and goes to %q", b, r.host, r.port, back.Host)
		}
		for _, name := range hops {
			if v := back.Header.Get(name); v != "" && name != "Connection" && name != "Upgrade" {
				t.Fatalf("%q is forwarded with %s: %s", b, name, v)
			}
		}
		if _, err := io.Copy(io.Discard, back.Body); err != nil || in.Buffered() > 0 || out.Len() > 0 {
			t.Fatalf("%q: %d bytes follow the request, %v", b, in.Buffered()+out.Len(), err)
		}
	})
}
