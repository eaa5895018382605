package netproxy

import (
	"bufio"
	"bytes"
	"strings"
	"testing"
)

// An accepted request names one clean destination, and nothing behind its head was consumed.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{
		"GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\nrest", "CONNECT a.test:443 HTTP/1.1\r\n\r\n\x16\x03", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
		"CONNECT [fe80::1%25eth0]:1 HTTP/1.0\r\nHost: [fe80::1%25eth0]\r\n\r\n", "GET http://u:p@a.test:81/?q HTTP/1.1\r\n\r\n", "GET //a.test/ HTTP/1.1\r\nHost: b\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\n\r\n", "GET http:a HTTP/1.1\r\n\r\n", "GET http://a%2e.test/ HTTP/1.1\r\n\r\n", "POST http://a/ HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"GET http://a/ HTTP/1.1\r\n x: y\r\n\r\n", "\r\n\r\n", "GET http://a:/ HTTP/1.1\r\nhOsT: a\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		in := bufio.NewReaderSize(bytes.NewReader(b), 4096)
		r, err := readRequest(in)
		if err != nil {
			return
		}
		if r.host == "" || r.port == 0 || strings.ContainsAny(r.host, "\r\n\t []/@") {
			t.Fatalf("%q names %q:%d", b, r.host, r.port)
		}
		if r.Method != "CONNECT" && (r.URL.Scheme != "http" || r.URL.Host == "" || r.URL.Opaque != "") {
			t.Fatalf("%q is forwarded to %#v", b, r.URL)
		}
		rest := b[bytes.Index(b, []byte("\r\n\r\n"))+4:]
		if got := in.Buffered(); len(b) <= 4096 && got != len(rest) {
			t.Fatalf("%q: %d bytes left behind the head, want %d", b, got, len(rest))
		}
	})
}

// What is accepted reads back the same from its own encoding, and takes exactly its bytes.
func FuzzSOCKS(f *testing.F) {
	for _, s := range []string{
		"\x05\x01\x00\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50", "\x05\x02\x00\x02\x05\x01\x00\x03\x06a.test\x01\xbbrest",
		"\x05\x00\x05\x03\x00\x04" + strings.Repeat("\x00", 18), "\x05\xff", "\x05\x01\x00\x05\x01\x01\x01", "\x05\x01\x00\x05\x01\x00\x03\x00\x00\x00",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		offered, err := readGreeting(r)
		if err != nil {
			return
		}
		methods := b[2 : 2+int(b[1])]
		if offered != bytes.Contains(methods, []byte{methodNone}) {
			t.Fatalf("% x: offered is %t", b, offered)
		}
		begin := len(b) - r.Len()
		c, err := readCommand(r)
		if err != nil {
			return
		}
		used := b[begin : len(b)-r.Len()]
		size := map[byte]int{addressIPv4: 10, addressIPv6: 22, addressName: 7 + len(c.host)}[used[3]]
		if len(used) != size || c.code != used[1] || c.port != uint16(used[size-2])<<8|uint16(used[size-1]) {
			t.Fatalf("% x reads as %+v", used, c)
		}
		if used[3] == addressName && c.host != string(used[5:size-2]) || used[3] != addressName && !literal(c.host) {
			t.Fatalf("% x names %q", used, c.host)
		}
	})
}
