//go:build linux

package backend_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"proctor/executor/sandbox"
)

// echoing answers each line of a connection with "heard LINE", and each datagram with itself.
type echoing struct {
	mu     sync.Mutex
	served int
	left   int
}

func (e *echoing) proxy() *sandbox.Proxy {
	return &sandbox.Proxy{
		Environ: func(at netip.AddrPort) []string {
			return []string{"HTTP_PROXY=http://" + at.String(), "PROXY_PORT=" + fmt.Sprint(at.Port())}
		},
		Serve: func(ctx context.Context, s sandbox.Sockets) {
			e.mu.Lock()
			e.served++
			e.mu.Unlock()
			var all sync.WaitGroup
			stop := context.AfterFunc(ctx, s.Close)
			defer stop()
			if s.Datagrams != nil {
				all.Go(func() {
					b := make([]byte, 1500)
					for {
						n, from, err := s.Datagrams.ReadFrom(b)
						if err != nil {
							return
						}
						_, _ = s.Datagrams.WriteTo(b[:n], from)
					}
				})
			}
			for {
				c, err := s.Listener.Accept()
				if err != nil {
					break
				}
				all.Go(func() {
					defer c.Close()
					defer context.AfterFunc(ctx, func() { _ = c.Close() })()
					for r := bufio.NewScanner(c); r.Scan(); {
						_, _ = fmt.Fprintln(c, "heard", r.Text())
					}
				})
			}
			all.Wait()
			e.mu.Lock()
			e.left++
			e.mu.Unlock()
		},
	}
}

func (b box) proxied(t *testing.T, e *echoing, script string) outcome {
	t.Helper()
	r := b.request()
	r.NetworkAccess, r.Proxied = true, true
	s := b.spec(t, r, "/bin/bash", "-c", script)
	s.Env = append(s.Env, "HTTP_PROXY=http://mine:1")
	s.Proxy = e.proxy()
	return b.run(t, s)
}

// eachNamespaced leaves out the backend that has no network namespace.
func eachNamespaced(t *testing.T, test func(t *testing.T, b box)) {
	t.Helper()
	for _, name := range []string{"bwrap", "native"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newBox(t, name))
		})
	}
}

func TestAProxiedCommandReachesTheProxyAndNothingElse(t *testing.T) {
	t.Parallel()
	outside, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer outside.Close()
	port := outside.Addr().(*net.TCPAddr).Port
	eachNamespaced(t, func(t *testing.T, b box) {
		e := &echoing{}
		r := b.proxied(t, e, `exec 3<>/dev/tcp/127.0.0.1/$PROXY_PORT; echo hello >&3; read -r a <&3; echo "$a"; echo "$HTTP_PROXY"`)
		if r.ExitCode != 0 || r.stdout != "heard hello\nhttp://127.0.0.1:3128\n" || len(r.denials) != 0 {
			t.Errorf("proxy: %+v", r)
		}
		r = b.proxied(t, e, `python3 -c '
import os, socket
s = socket.socket(type=socket.SOCK_DGRAM); s.settimeout(60)
s.sendto(b"ping", ("127.0.0.1", int(os.environ["PROXY_PORT"]))); print(s.recv(9))'`)
		if r.ExitCode != 0 || r.stdout != "b'ping'\n" {
			t.Errorf("datagram: %+v", r)
		}
		r = b.proxied(t, e, fmt.Sprintf(`exec 3<>/dev/tcp/127.0.0.1/%d`, port))
		if r.ExitCode == 0 || !strings.Contains(r.stderr, "refused") {
			t.Errorf("loopback of the host: %+v", r)
		}
		r = b.proxied(t, e, `exec 3<>/dev/tcp/192.0.2.7/443`)
		if r.ExitCode == 0 || len(r.denials) != 1 || r.denials[0].Address != "192.0.2.7:443" || r.denials[0].Rule != "proxy_only" ||
			r.denials[0].Access != "connect" {
			t.Errorf("direct: %+v", r)
		}
		r = b.proxied(t, e, `echo x >/dev/udp/192.0.2.7/53`)
		if r.ExitCode == 0 || len(r.denials) != 1 || r.denials[0].Address != "192.0.2.7:53" {
			t.Errorf("direct datagram: %+v", r)
		}
		// Two of the five needed it; a command that has ended before it is served is not.
		if e.served < 2 || e.served > 5 || e.left != e.served {
			t.Errorf("served %d, left %d, want the same, 2 to 5", e.served, e.left)
		}
	})
}

// What listens inside is reached inside, as a test server of a build is.
func TestLoopbackInsideANamespaceWorks(t *testing.T) {
	t.Parallel()
	eachNamespaced(t, func(t *testing.T, b box) {
		r := b.proxied(t, &echoing{}, `python3 -c '
import socket, threading
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
c = socket.create_connection(s.getsockname()); a, _ = s.accept(); a.send(b"in"); print(c.recv(2))'`)
		if r.ExitCode != 0 || !strings.Contains(r.stdout, "in") || len(r.denials) != 0 {
			t.Errorf("%+v", r)
		}
	})
}

func TestAProxiedPlanNeedsAProxy(t *testing.T) {
	t.Parallel()
	eachNamespaced(t, func(t *testing.T, b box) {
		r := b.request()
		r.NetworkAccess, r.Proxied = true, true
		if _, err := b.backend.Start(t.Context(), b.spec(t, r, "/bin/true")); !errors.Is(err, sandbox.ErrInvalidSpec) {
			t.Errorf("got %v", err)
		}
	})
}
