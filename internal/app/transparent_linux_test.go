package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"proctor/executor/netproxy"
	"proctor/executor/sandbox"
	"proctor/executor/sandbox/backend"
	"proctor/internal/terms"
	"proctor/policy"
	"proctor/policy/egress"
	"proctor/policy/filesystem"
)

// internet is what is outside: names, and one server behind every public address but the dead one.
type internet struct {
	server string

	mu      sync.Mutex
	flips   int
	dialled []string
	decided []netproxy.Decision
	closed  []netproxy.Decision
}

const (
	publicIP = "93.184.215.14"
	deadIP   = "93.184.215.16"
)

func (w *internet) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch host {
	case "site.test":
		return []netip.Addr{netip.MustParseAddr(publicIP)}, nil
	case "flips.test": // public at first, then this machine
		if w.flips++; w.flips == 1 {
			return []netip.Addr{netip.MustParseAddr(publicIP)}, nil
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	return nil, errors.New("no such host")
}

func (w *internet) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	w.dialled = append(w.dialled, address)
	w.mu.Unlock()
	if strings.HasPrefix(address, deadIP) {
		address = "127.0.0.1:1"
	} else {
		address = w.server
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// run runs a python program whose only road is a transparent one.
func (w *internet) run(t *testing.T, name, program string, allowed ...string) string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("missing capability: python3 is not installed")
	}
	out, status := w.confined(t, name, []string{python, "-c", program}, allowed...)
	if status != 0 {
		t.Errorf("status %d", status)
	}
	return out
}

// confined runs a command whose only road is a transparent one, and returns what it wrote and its exit status.
func (w *internet) confined(t *testing.T, name string, argv []string, allowed ...string) (string, int) {
	t.Helper()
	b, err := backend.Select(t.Context(), backend.Options{StateDir: backend.SharedState(filepath.Join(t.TempDir(), "state")), Path: os.Getenv("PATH"), Only: name})
	if errors.Is(err, sandbox.ErrUnavailable) {
		t.Skip("missing capability: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	config := egress.DefaultConfig()
	config.Enabled, config.Domains = true, map[string]string{}
	for _, a := range allowed {
		config.Domains[a] = "allow"
	}
	p, err := netproxy.New(netproxy.Options{
		Policy: config, Resolver: w, Dialer: w,
		OnDecision: func(_ context.Context, d netproxy.Decision) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.decided = append(w.decided, d)
			return nil
		},
		OnClose: func(d netproxy.Decision) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.closed = append(w.closed, d)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	plan, err := sandbox.Plan(filesystem.Request{Mode: filesystem.WorkspaceWrite, WorkspaceRoots: []string{dir}, ExcludeSlashTmp: true, NetworkAccess: true, Proxied: true})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	n := terms.Network{Proxied: true, Transparent: true, Policy: config}
	process, err := b.Start(ctx, sandbox.Spec{
		Argv: argv, Dir: dir, Env: []string{"PATH=" + os.Getenv("PATH"), "HOME=/"}, Plan: plan,
		Proxy:    roadOf(p, n, "call", func(ctx context.Context, serve func(context.Context)) { serve(ctx) }),
		OnOutput: func(_ sandbox.Stream, b []byte) { out.Write(b) },
		OnDenial: func(d sandbox.Denial) { _, _ = fmt.Fprintln(&out, "denial", d.Syscall, d.Address) },
	})
	if err != nil {
		t.Fatal(err)
	}
	r := process.Wait()
	return out.String(), r.ExitCode
}

// greets, and then says what it heard until the other side ends.
func greets(c net.Conn) {
	_, _ = c.Write([]byte("hello "))
	b := make([]byte, 64)
	for n, err := c.Read(b); err == nil; n, err = c.Read(b) {
		_, _ = c.Write(bytes.ToUpper(b[:n]))
	}
}

func eachTransparent(t *testing.T, test func(t *testing.T, w *internet, backend string)) {
	eachServed(t, greets, test)
}

// eachServed is a test for each backend, with a server of its own.
func eachServed(t *testing.T, serve func(net.Conn), test func(t *testing.T, w *internet, backend string)) {
	for _, name := range []string{"native", "bwrap"} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var open sync.WaitGroup
			open.Go(func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					open.Go(func() {
						defer c.Close()
						serve(c)
					})
				}
			})
			t.Cleanup(func() { _ = l.Close(); open.Wait() })
			test(t, &internet{server: l.Addr().String()}, name)
		})
	}
}

const clientProgram = `
import errno, os, select, socket, struct, threading
def talk(s):
    s.settimeout(60); s.sendall(b"ping"); s.shutdown(socket.SHUT_WR)
    got = b""
    while True:
        b = s.recv(99)
        if not b: return got.decode()
        got += b
def attempt(label, f):
    try: print(label, f(), flush=True)
    except OSError as e: print(label, errno.errorcode.get(e.errno, e), flush=True)
def to(address, family=socket.AF_INET):
    s = socket.socket(family); s.settimeout(90); s.connect(address); return s
attempt("name", lambda: talk(socket.create_connection(("site.test", 5432), 90)))
attempt("address", lambda: talk(to(("93.184.215.14", 22))))
attempt("six", lambda: talk(to(("::ffff:93.184.215.14", 22), socket.AF_INET6)))
def patient():
    s = socket.socket(); s.setblocking(False)
    r = s.connect_ex(("93.184.215.14", 22))
    select.select([], [s], [], 60)
    return r, s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), s.getblocking(), os.get_inheritable(s.fileno()), s.connect_ex(("93.184.215.14", 22)) == errno.EISCONN, talk(s)
attempt("nonblocking", patient)
attempt("refused-name", lambda: socket.create_connection(("nope.test", 80), 90))
attempt("refused", lambda: to(("93.184.215.15", 80)))
attempt("private", lambda: to(("10.1.2.3", 80)))
attempt("dead", lambda: to(("93.184.215.16", 80)))
def again():
    s = to(("93.184.215.14", 22))
    libc = __import__("ctypes").CDLL(None, use_errno=True)
    libc.connect(s.fileno(), struct.pack("H14x", socket.AF_UNSPEC), 16)
    s.connect(("93.184.215.15", 80))
attempt("again", again)
attempt("uninvited", lambda: to(("127.0.0.1", 3129)).recv(9))
def inside():
    l = socket.create_server(("127.0.0.1", 0)); c = to(l.getsockname()); a, _ = l.accept(); a.send(b"in"); return c.recv(2)
attempt("inside", inside)
def query():
    s = socket.socket(type=socket.SOCK_DGRAM); s.settimeout(60); s.connect(("127.0.0.53", 53))
    s.send(b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04site\x04test\x00\x00\x01\x00\x01"); return socket.inet_ntoa(s.recv(512)[-4:]).startswith("198.18.")
attempt("datagram", query)
def udp(): socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("93.184.215.14", 53))
attempt("udp", udp)
many = []
def one():
    try: many.append(talk(to(("93.184.215.14", 22))))
    except OSError as e: many.append(str(e))
ts = [threading.Thread(target=one) for _ in range(40)]
[t.start() for t in ts]; [t.join() for t in ts]
print("many", set(many), len(many), flush=True)
`

func TestProgramsWithoutProxyAreCarriedByPolicy(t *testing.T) {
	eachTransparent(t, func(t *testing.T, w *internet, name string) {
		out := w.run(t, name, clientProgram, "site.test", publicIP, deadIP)
		for _, want := range []string{
			"name hello PING", "address hello PING", "six hello PING", "nonblocking (0, 0, False, False, True, 'hello PING')",
			"refused EACCES", "private EACCES", "dead ECONNREFUSED", "again EACCES", "uninvited b''", "inside b'in'", "datagram True",
			"udp ENETUNREACH", "many {'hello PING'} 40", "denial sendto 93.184.215.14:53",
		} {
			if !strings.Contains(out, want+"\n") {
				t.Errorf("no line %q", want)
			}
		}
		if strings.Contains(out, "refused-name <") || strings.Contains(out, "denial connect") {
			t.Error("a refused name has an address, or a carried connect is a denial")
		}
		if t.Failed() {
			t.Log(out)
		}
		var names, allowed int
		for _, d := range w.decided {
			switch {
			case d.Protocol == egress.DNS && d.Host == "nope.test" && d.Outcome == policy.Forbid:
				names++
			case d.Outcome == policy.Allow:
				allowed++
			}
			if d.Call != "call" {
				t.Errorf("decision without its call: %+v", d)
			}
		}
		if names != 1 || allowed != len(w.closed) || w.decided[0].Host != "site.test" || w.decided[0].Protocol != egress.TCP {
			t.Errorf("%d refused names; %d allowed, %d closed; first %+v", names, allowed, len(w.closed), w.decided[0])
		}
		for _, to := range w.dialled {
			if !strings.HasPrefix(to, publicIP+":") && !strings.HasPrefix(to, deadIP+":") {
				t.Errorf("dialled %s", to)
			}
		}
	})
}

// A name is resolved anew for each connection and judged by that answer.
func TestANameThatTurnsPrivateIsNotReached(t *testing.T) {
	eachTransparent(t, func(t *testing.T, w *internet, name string) {
		out := w.run(t, name, `
import socket
for _ in range(3):
    try:
        s = socket.create_connection(("flips.test", 80), 90); print(s.recv(6))
    except OSError as e: print(e.strerror)
`, "flips.test")
		if out != "b'hello '\nPermission denied\nPermission denied\n" || len(w.dialled) != 1 || w.dialled[0] != publicIP+":80" {
			t.Errorf("%s\ndialled %v", out, w.dialled)
		}
	})
}

// A connection that hangs does not hold up the end of the command.
func TestTheEndOfACommandEndsItsConnecting(t *testing.T) {
	eachTransparent(t, func(t *testing.T, w *internet, name string) {
		out := w.run(t, name, `
import socket, subprocess, sys, time
s = socket.create_connection(("site.test", 80), 90); print(s.recv(6))
subprocess.Popen([sys.executable, "-c", "import socket; socket.create_connection(('site.test', 80)).recv(99)"])
`, "site.test")
		if out != "b'hello '\n" {
			t.Errorf("%s", out)
		}
	})
}
