package netproxy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"

	"proctor/policy/egress"
)

// Upstream is the proxy that our own process has to go through; nil means none. Destinations are judged before, as
// without it: names are looked up here and must have public addresses only. But the upstream proxy gets the name and looks it
// up again, so what it connects to is its own word. Non-public destinations that policy allows are dialled directly.
type Upstream struct {
	choose func(*url.URL) (*url.URL, error)
}

// UpstreamFrom reads HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, in small letters too. HTTPS falls back to HTTP, and both to
// ALL. Each warning says which one is not used: only http and https proxies are.
func UpstreamFrom(getenv func(string) string) (u *Upstream, warnings []string) {
	read := func(name string) string {
		for _, n := range []string{name, strings.ToLower(name)} {
			v := strings.TrimSpace(getenv(n))
			if v == "" {
				continue
			}
			if !strings.Contains(v, "://") {
				v = "http://" + v
			}
			at, err := url.Parse(v)
			if err != nil || at.Hostname() == "" || at.Scheme != "http" && at.Scheme != "https" {
				warnings = append(warnings, n+" is not used as upstream proxy: expected http://HOST:PORT or https://HOST:PORT")
				continue
			}
			return v
		}
		return ""
	}
	first := func(list ...string) string {
		for _, v := range list {
			if v != "" {
				return v
			}
		}
		return ""
	}
	plain, secure, all := read("HTTP_PROXY"), read("HTTPS_PROXY"), read("ALL_PROXY")
	if first(plain, secure, all) == "" {
		return nil, warnings
	}
	c := httpproxy.Config{
		HTTPProxy: first(plain, all), HTTPSProxy: first(secure, plain, all), NoProxy: first(getenv("NO_PROXY"), getenv("no_proxy")),
	}
	return &Upstream{c.ProxyFunc()}, warnings
}

// pick is the upstream proxy of an allowed destination; nil for none.
func (u *Upstream) pick(d Decision) *url.URL {
	if u == nil || d.Protocol == egress.Unix || d.Protocol == egress.SOCKS5UDP {
		return nil
	}
	for _, a := range d.Resolved {
		if !egress.Public(a) {
			return nil
		}
	}
	scheme := "https"
	if d.Protocol == egress.HTTP {
		scheme = "http"
	}
	via, err := u.choose(&url.URL{Scheme: scheme, Host: target(d)})
	if err != nil {
		return nil
	}
	return via
}

// authorise adds the credentials to a plain request.
func (u *Upstream) authorise(d Decision, h http.Header) {
	if via := u.pick(d); via != nil && via.User != nil {
		h["Proxy-Authorization"] = []string{basic(via.User)}
	}
}

func basic(u *url.Userinfo) string {
	password, _ := u.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password))
}

func target(d Decision) string { return net.JoinHostPort(d.Host, strconv.Itoa(int(d.Port))) }

// through connects to the upstream proxy, and for anything but plain HTTP through it.
func (p *Proxy) through(ctx context.Context, via *url.URL, d Decision) (net.Conn, error) {
	port := via.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[via.Scheme]
	}
	conn, err := p.dialer.DialContext(ctx, "tcp", net.JoinHostPort(via.Hostname(), port))
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	if via.Scheme == "https" {
		secure := tls.Client(conn, &tls.Config{ServerName: via.Hostname(), MinVersion: tls.VersionTLS12})
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, err
		}
		conn = secure
	}
	if d.Protocol == egress.HTTP {
		return conn, nil
	}
	if err := p.tunnelTo(conn, via, target(d)); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// tunnelTo sends CONNECT and reads the answer, not a byte more.
func (p *Proxy) tunnelTo(conn net.Conn, via *url.URL, to string) error {
	ask := "CONNECT " + to + " HTTP/1.1\r\nHost: " + to + "\r\n"
	if via.User != nil {
		ask += "Proxy-Authorization: " + basic(via.User) + "\r\n"
	}
	if _, err := conn.Write([]byte(ask + "\r\n")); err != nil {
		return err
	}
	head := make([]byte, 0, 512)
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		if len(head) == p.limits.HeaderBytes {
			return errHeadTooLarge
		}
		var one [1]byte
		if _, err := conn.Read(one[:]); err != nil {
			return err
		}
		head = append(head, one[0])
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), &http.Request{Method: http.MethodConnect}) //nolint:bodyclose // has none
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("upstream proxy answers %s", printable(resp.Status))
	}
	return nil
}
