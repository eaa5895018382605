package bustest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"proctor/internal/certtest"
)

// configFile names the configuration of a process that is a server.
const configFile = "PROCTOR_TEST_NATS_CONFIG"

// Main must be called first in TestMain. It does not return in a process that Start started.
func Main() {
	if file := os.Getenv(configFile); file != "" {
		fmt.Fprintln(os.Stderr, serve(file))
		os.Exit(1)
	}
}

func serve(file string) error {
	opts, err := server.ProcessConfigFile(file)
	if err != nil {
		return err
	}
	opts.NoSigs = true
	s, err := server.NewServer(opts)
	if err != nil {
		return err
	}
	s.ConfigureLogger()
	s.Start()
	s.WaitForShutdown()
	return errors.New("the server ended")
}

// Password is that of every user in accounts.conf.
const Password = "test-password"

// Servers are some processes on loopback.
type Servers struct {
	t     testing.TB
	dir   string
	ports []int
	cmds  []*exec.Cmd // nil while dead
	// connect is what a connection of the tests needs beside the address.
	connect []nats.Option
}

// Start starts n servers and waits until they are a cluster. Each edit may change the files of the configuration.
func Start(t testing.TB, n int, edits ...func(file, text string) string) *Servers {
	t.Helper()
	return start(t, n, nil, edits)
}

// StartTLS is Start with servers that demand a client's certificate of an authority.
func StartTLS(t testing.TB, n int, a *certtest.Authority) *Servers {
	t.Helper()
	server, client := a.Issue("server", "127.0.0.1"), a.Issue("test")
	conf := fmt.Sprintf("tls {\ncert_file: %q\nkey_file: %q\nca_file: %q\nverify: true\n}\n", server.Cert, server.Key, a.File)
	return start(t, n, []nats.Option{nats.RootCAs(a.File), nats.ClientCert(client.Cert, client.Key)}, []func(file, text string) string{func(file, text string) string {
		if file == "tls.conf" {
			return conf
		}
		return text
	}})
}

func start(t testing.TB, n int, connect []nats.Option, edits []func(file, text string) string) *Servers {
	t.Helper()
	s := &Servers{t: t, dir: t.TempDir(), ports: freePorts(t, 2*n), cmds: make([]*exec.Cmd, n), connect: connect}
	t.Cleanup(s.stop)
	for i := range n {
		s.configure(i, n, edits)
		s.Restart(i)
	}
	s.awaitCluster()
	return s
}

func freePorts(t testing.TB, n int) (ports []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

func name(i int) string { return "n" + strconv.Itoa(i+1) }

func (s *Servers) configure(i, n int, edits []func(file, text string) string) {
	s.t.Helper()
	dir := filepath.Join(s.dir, name(i))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		s.t.Fatal(err)
	}
	for _, file := range []string{"nats.conf", "accounts.conf", "tls.conf"} {
		text, err := os.ReadFile(filepath.Join(moduleRoot(s.t), "deploy", "nats", file))
		for _, edit := range edits {
			text = []byte(edit(file, string(text)))
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, file), text, 0o600) //nolint:gosec // of this list, in a folder of the test
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	var routes strings.Builder
	for j := range n {
		fmt.Fprintf(&routes, "nats://127.0.0.1:%d\n", s.ports[n+j])
	}
	text := fmt.Sprintf("listen: \"127.0.0.1:%d\"\n", s.ports[i])
	if n > 1 {
		text += fmt.Sprintf("cluster {\nname: proctor\nlisten: \"127.0.0.1:%d\"\nroutes: [\n%s]\n}\n", s.ports[n+i], routes.String())
	}
	if err := os.WriteFile(filepath.Join(dir, "cluster.conf"), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// moduleRoot is the folder of go.mod: a test runs in that of its package.
func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	for ; err == nil; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	t.Fatalf("no go.mod above the test's folder: %v", err)
	return ""
}

// Restart starts a server that is dead.
func (s *Servers) Restart(i int) {
	s.t.Helper()
	dir := filepath.Join(s.dir, name(i))
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(os.Args[0], "-test.run=^$") //nolint:gosec // the test itself
	cmd.Env = append(os.Environ(), configFile+"="+filepath.Join(dir, "nats.conf"), "NATS_NAME="+name(i), "NATS_STORE="+filepath.Join(dir, "store"),
		"NODE_PASSWORD="+Password, "AGENT_PASSWORD="+Password, "ADMIN_PASSWORD="+Password, "GOMAXPROCS=2")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.cmds[i] = cmd
}

// Kill ends a server by SIGKILL.
func (s *Servers) Kill(i int) {
	s.t.Helper()
	cmd := s.cmds[i]
	s.cmds[i] = nil
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

func (s *Servers) stop() {
	for i, cmd := range s.cmds {
		if cmd != nil {
			s.Kill(i)
		}
	}
	if s.t.Failed() {
		for i := range s.cmds {
			s.t.Logf("server %s:\n%s", name(i), s.Log(i))
		}
	}
}

// Log is what a server complained of, the end of it.
func (s *Servers) Log(i int) string {
	text, _ := os.ReadFile(filepath.Join(s.dir, name(i), "log"))
	var said []string
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, "[INF]") {
			said = append(said, line)
		}
	}
	return strings.Join(said[max(0, len(said)-20):], "")
}

// URL is that of all servers, for a user of accounts.conf: node or agent.
func (s *Servers) URL(user string) string {
	var urls []string
	for i := range s.cmds {
		urls = append(urls, fmt.Sprintf("nats://%s:%s@127.0.0.1:%d", user, Password, s.ports[i]))
	}
	return strings.Join(urls, ",")
}

// JetStream connects as a user; the connection ends with the test.
func (s *Servers) JetStream(user string) jetstream.JetStream {
	s.t.Helper()
	conn, err := nats.Connect(s.URL(user), append(s.connect, nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond), nats.RetryOnFailedConnect(true))...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		s.t.Fatal(err)
	}
	return js
}

// patience tells a hang from a slow machine.
const patience = 2 * time.Minute

// Leader is the server that leads a stream.
func (s *Servers) Leader(stream string) int {
	s.t.Helper()
	js := s.JetStream("node")
	defer js.Conn().Close()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		info, err := js.Stream(s.t.Context(), stream)
		if err == nil && info.CachedInfo().Cluster != nil {
			for i := range s.cmds {
				if name(i) == info.CachedInfo().Cluster.Leader && s.cmds[i] != nil {
					return i
				}
			}
		}
		if time.Now().After(end) {
			s.t.Fatalf("stream %s has no leader: %v", stream, err)
		}
	}
}

// AwaitReplicas waits until every server has all of some streams, so that any one of them can be missed.
func (s *Servers) AwaitReplicas(streams ...string) {
	s.t.Helper()
	js := s.JetStream("node")
	defer js.Conn().Close()
	for _, stream := range streams {
		for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
			info, err := js.Stream(s.t.Context(), stream)
			if err == nil && whole(info.CachedInfo().Cluster, len(s.cmds)) {
				break
			}
			if time.Now().After(end) {
				s.t.Fatalf("the replicas of %s do not catch up: %v", stream, err)
			}
		}
	}
}

func whole(c *jetstream.ClusterInfo, servers int) bool {
	if c == nil || c.Leader == "" || len(c.Replicas) != servers-1 {
		return false
	}
	for _, r := range c.Replicas {
		if r.Offline || !r.Current {
			return false
		}
	}
	return true
}

// awaitCluster waits until JetStream answers.
func (s *Servers) awaitCluster() {
	s.t.Helper()
	js := s.JetStream("node")
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if _, err := js.AccountInfo(s.t.Context()); err == nil {
			return
		} else if time.Now().After(end) {
			s.t.Fatalf("the servers are no cluster: %v", err)
		}
	}
}

// Len is how many there are.
func (s *Servers) Len() int { return len(s.cmds) }

// Alive reports whether a server runs.
func (s *Servers) Alive(i int) bool { return s.cmds[i] != nil }
