package netproxy

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// badRequest is answered with its status and text; nothing was decided.
type badRequest struct {
	status int
	text   string
}

func (b badRequest) Error() string { return b.text }

func bad(format string, args ...any) error {
	return badRequest{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

var (
	errHeadTooLarge = badRequest{http.StatusRequestHeaderFieldsTooLarge, "request head is too large"}
	errHostMismatch = badRequest{http.StatusBadRequest, "Host header does not match request target"}
)

// request is one HTTP request with the destination it names.
type request struct {
	*http.Request
	host   string
	port   uint16
	socket string // path of the Unix socket it is for instead
}

// readRequest reads a head from in, whose buffer bounds it; the body stays in in.
func readRequest(in *bufio.Reader) (request, error) {
	head, err := peekHead(in)
	if err != nil {
		return request{}, err
	}
	fields, err := checkHead(head)
	if err != nil {
		return request{}, err
	}
	r, err := http.ReadRequest(in)
	if err != nil {
		return request{}, bad("malformed request")
	}
	if r.ProtoMajor != 1 {
		return request{}, bad("HTTP version is %s; expected HTTP/1.0 or HTTP/1.1", r.Proto)
	}
	if fields.coding && r.ProtoMinor == 0 {
		return request{}, bad("malformed request: HTTP/1.0 has no transfer codings")
	}
	out, err := destination(r, fields.host)
	if err != nil {
		return request{}, err
	}
	switch sockets := r.Header.Values(socketField); {
	case len(sockets) == 0:
	case len(sockets) > 1 || sockets[0] == "" || r.Method == http.MethodConnect:
		return request{}, bad("malformed request: %s names one socket, and not for CONNECT", strings.ToLower(socketField))
	default:
		out.socket = sockets[0]
	}
	return out, nil
}

// peekHead waits until a whole head is buffered, and does not consume it.
func peekHead(in *bufio.Reader) ([]byte, error) {
	seen := 0
	for {
		if _, err := in.Peek(seen + 1); err != nil {
			if errors.Is(err, bufio.ErrBufferFull) {
				return nil, errHeadTooLarge
			}
			return nil, err
		}
		b, err := in.Peek(in.Buffered())
		if err != nil {
			return nil, err
		}
		if end := bytes.Index(b, []byte("\r\n\r\n")); end >= 0 {
			return b[:end+2], nil
		}
		if bareNewline(b) {
			return nil, bad("malformed request: a line does not end in CR LF")
		}
		seen = len(b)
	}
}

func bareNewline(b []byte) bool {
	for i, c := range b {
		if c == '\n' && (i == 0 || b[i-1] != '\r') {
			return true
		}
	}
	return false
}

// framing are the fields that say where a request goes and ends; net/http drops some of them.
type framing struct {
	host   string
	length []string
	coding bool
}

// checkHead refuses what parsers disagree about.
func checkHead(head []byte) (f framing, err error) {
	var hosts []string
	for i, line := range bytes.Split(bytes.TrimSuffix(head, []byte("\r\n")), []byte("\r\n")) {
		for _, c := range line {
			if (c < ' ' && c != '\t') || c == 0x7f || (i == 0 && (c > 0x7f || c == '\t')) {
				return f, bad("malformed request: byte %#02x in line %d", c, i+1)
			}
		}
		if i == 0 {
			continue
		}
		name, value, ok := strings.Cut(string(line), ":")
		if !ok || name == "" || strings.ContainsAny(name, " \t") {
			return f, bad("malformed request: line %d is no header field", i+1)
		}
		value = strings.TrimSpace(value)
		switch {
		case strings.EqualFold(name, "Host"):
			hosts = append(hosts, value)
		case strings.EqualFold(name, "Content-Length"):
			f.length = append(f.length, value)
		case strings.EqualFold(name, "Transfer-Encoding"):
			f.coding = true
		}
	}
	switch {
	case len(hosts) > 1:
		return f, bad("more than one Host header")
	case len(f.length) > 1 || len(f.length) == 1 && f.coding:
		return f, bad("malformed request: the length of the body is said twice")
	case (f.coding || len(f.length) == 1 && f.length[0] != "0") && bytes.HasPrefix(head, []byte(http.MethodConnect+" ")):
		return f, bad("malformed request: CONNECT has no body")
	}
	if len(hosts) == 1 {
		f.host = hosts[0]
	}
	return f, nil
}

// destination is the target's, and Host must agree with it. A missing Host is tolerated where the target names one.
func destination(r *http.Request, field string) (request, error) {
	switch {
	case r.Method == http.MethodConnect:
		return connectTarget(r, field)
	case r.RequestURI == "*" || (r.URL.Host == "" && !strings.HasPrefix(r.RequestURI, "/")):
		return request{}, bad("request target names no host")
	case r.URL.Host == "":
		return originTarget(r, field)
	case r.URL.Scheme != "http":
		return request{}, bad("scheme of the request target is %q; expected http, or CONNECT for anything else", r.URL.Scheme)
	}
	host, port, err := splitAuthority(r.URL.Host, "80")
	if err != nil {
		return request{}, err
	}
	if field != "" && !sameAuthority(field, host, port, "80") {
		return request{}, errHostMismatch
	}
	return request{Request: r, host: host, port: port}, nil
}

func connectTarget(r *http.Request, field string) (request, error) {
	host, port, err := splitAuthority(r.RequestURI, "")
	if err != nil {
		return request{}, err
	}
	// Some clients leave the port out of Host here.
	if field != "" && !sameAuthority(field, host, port, strconv.Itoa(int(port))) {
		return request{}, errHostMismatch
	}
	return request{Request: r, host: host, port: port}, nil
}

func originTarget(r *http.Request, field string) (request, error) {
	host, port, err := splitAuthority(field, "80")
	if err != nil {
		return request{}, err
	}
	r.URL = &url.URL{Scheme: "http", Host: field, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery, ForceQuery: r.URL.ForceQuery}
	return request{Request: r, host: host, port: port}, nil
}

func sameAuthority(field, host string, port uint16, standard string) bool {
	h, p, err := splitAuthority(field, standard)
	return err == nil && p == port && strings.EqualFold(h, host)
}

// splitAuthority reads host[:port]; an empty standard port makes the port mandatory.
func splitAuthority(s, standard string) (string, uint16, error) {
	if strings.ContainsAny(s, "@/?#\\ \t") {
		return "", 0, bad("malformed host")
	}
	host, text := s, standard
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, ']') {
		var err error
		if host, text, err = net.SplitHostPort(s); err != nil {
			return "", 0, bad("malformed host")
		}
		if text == "" {
			text = standard
		}
	} else if inside, ok := strings.CutPrefix(s, "["); ok {
		if host, ok = strings.CutSuffix(inside, "]"); !ok {
			return "", 0, bad("malformed host")
		}
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return "", 0, bad("malformed port; expected 1 to 65535")
	}
	if host == "" || strings.ContainsAny(host, "[]") {
		return "", 0, bad("malformed host")
	}
	return host, uint16(n), nil
}

// namesHost reports whether a host can be a name or address at all: such a miss is 403, anything else 400.
func namesHost(host string) bool {
	if literal(strings.Replace(strings.TrimRight(host, "."), "%25", "%", 1)) {
		return true
	}
	host = strings.TrimRight(host, ".")
	if host == "" || len(host) > 253 { // RFC 1035
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, notNameRune) {
			return false
		}
	}
	return true
}

func notNameRune(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}
