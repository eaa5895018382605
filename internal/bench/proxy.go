//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"proctor/event"
	"proctor/executor/netproxy"
	"proctor/policy/egress"
)

const (
	proxyArg  = "serve-proxy"
	silentArg = "silent"
)

// proxyFlag returns what to do when this process was started to be the proxy: to serve, with every decision and its end made an
// event and encoded, or with silentArg without, until standard input ends.
func proxyFlag() func() {
	if len(os.Args) < 2 || os.Args[1] != proxyArg {
		return nil
	}
	return func() {
		if err := serveProxy(slices.Contains(os.Args[2:], silentArg)); err != nil {
			fmt.Fprintln(os.Stderr, "bench proxy:", err)
			os.Exit(1)
		}
	}
}

func serveProxy(silent bool) error {
	encode := func(d netproxy.Decision) error {
		_, err := event.Encode(&event.Event{
			ID: d.ID, Kind: event.NetworkPolicyDecision, Schema: 1, Session: "bench", Call: d.Call, Time: time.Now(), Actor: event.Sandbox,
			Payload: netproxy.Payload(d),
		})
		return err
	}
	c := egress.DefaultConfig()
	c.Enabled, c.Domains = true, map[string]string{"127.0.0.1": "allow", "*.example.com": "allow", "evil.test": "deny"}
	o := netproxy.Options{Policy: c}
	if !silent {
		o.OnDecision, o.OnClose = func(_ context.Context, d netproxy.Decision) error { return encode(d) }, func(d netproxy.Decision) { _ = encode(d) }
	}
	p, err := netproxy.New(o)
	if err != nil {
		return err
	}
	var plain net.ListenConfig
	plain.SetMultipathTCP(false) // as the sockets of inlets are
	l, err := plain.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr(), l.Addr())
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var serving sync.WaitGroup
	serving.Go(func() { err = p.Serve(ctx, netproxy.Inlet{Listener: l, Call: "call"}) })
	_, _ = io.Copy(io.Discard, os.Stdin)
	cancel()
	serving.Wait()
	return err
}

// peer is a proxy that runs; an empty address means that it does not speak the protocol.
type peer struct {
	name, http, socks string
	process           *os.Process
}

// printing starts a program that prints its two addresses and ends with its input.
func printing(ctx context.Context, name, binary string, args ...string) (peer, error) {
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil {
		return peer{}, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return peer{}, err
	}
	if err := cmd.Start(); err != nil {
		return peer{}, err
	}
	p := peer{name: name, process: cmd.Process}
	if _, err := fmt.Fscan(bufio.NewReader(out), &p.http, &p.socks); err != nil {
		return peer{}, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// freePort is one that was free a moment ago.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// daemon starts a proxy that reads a configuration file, in which PORT and DIR stand for themselves.
func daemon(ctx context.Context, name, dir, config string, args ...string) (peer, error) {
	binary, err := exec.LookPath(name)
	if err != nil {
		if binary, err = exec.LookPath("/usr/sbin/" + name); err != nil {
			return peer{}, err
		}
	}
	port, err := freePort()
	if err != nil {
		return peer{}, err
	}
	dir = filepath.Join(dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return peer{}, err
	}
	file := filepath.Join(dir, "conf")
	text := strings.NewReplacer("PORT", fmt.Sprint(port), "DIR", dir).Replace(config)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return peer{}, err
	}
	cmd := exec.CommandContext(ctx, binary, append(args, file)...)
	if err := cmd.Start(); err != nil {
		return peer{}, err
	}
	at := fmt.Sprintf("127.0.0.1:%d", port)
	for range 100 {
		c, err := net.Dial("tcp", at)
		if err == nil {
			return peer{name: name, http: at, process: cmd.Process}, c.Close()
		}
		time.Sleep(100 * time.Millisecond)
	}
	return peer{}, fmt.Errorf("%s does not listen on %s", name, at)
}

const (
	squidConf = `http_port 127.0.0.1:PORT
http_access allow all
cache deny all
access_log none
cache_log DIR/cache.log
pid_filename none
coredump_dir DIR
shutdown_lifetime 1 seconds
pinger_enable off
workers 1
`
	tinyproxyConf = `Port PORT
Listen 127.0.0.1
Timeout 60
MaxClients 200
LogLevel Critical
LogFile "DIR/log"
`
)

func (s settings) proxyTasks(ctx context.Context, r *results) ([]task, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var peers []peer
	defer func() {
		for _, p := range peers {
			r.after = append(r.after, func() { _ = p.process.Kill() })
		}
	}()
	starts := []struct {
		name  string
		start func() (peer, error)
	}{
		{"proctor", func() (peer, error) { return printing(ctx, "proctor", self, proxyArg) }},
		{silentProctor, func() (peer, error) { return printing(ctx, silentProctor, self, proxyArg, silentArg) }},
		{goPeers, func() (peer, error) { return printing(ctx, goPeers, s.peers) }},
		{"squid", func() (peer, error) { return daemon(ctx, "squid", s.dir, squidConf, "-N", "-f") }},
		{"tinyproxy", func() (peer, error) { return daemon(ctx, "tinyproxy", s.dir, tinyproxyConf, "-d", "-c") }},
	}
	for _, p := range starts {
		got, err := p.start()
		if err != nil {
			r.note(p.name + ": left out: " + err.Error())
			continue
		}
		peers = append(peers, got)
	}
	var tasks []task
	for _, row := range rows() {
		for _, n := range proxyClients {
			for _, p := range peers {
				at := p.http
				if row.socks {
					at = p.socks
				}
				if at == "" || p.name == "tinyproxy" && row.plain && row.kept { // which closes after each answer
					continue
				}
				tasks = append(tasks, task{proxyName(p.name, row, n), func(ctx context.Context) (sample, error) {
					origin, stop, err := startOrigin()
					if err != nil {
						return sample{}, err
					}
					defer stop()
					before := cpuOf(p.process.Pid)
					got, err := drive(ctx, row, at, origin, n, s.span)
					if err != nil {
						return sample{}, err
					}
					cpu := (cpuOf(p.process.Pid) - before) / time.Duration(got.answers)
					return sample{wall: time.Duration(float64(time.Second) / got.perSecond), first: got.p99, cpu: cpu}, nil
				}})
			}
		}
	}
	return tasks, nil
}

const (
	goPeers       = "Go peer"
	silentProctor = "without events"
)

// proxyClients are the numbers of clients at once.
var proxyClients = []int{1, 16}

func proxyName(peer string, r row, n int) string { return fmt.Sprintf("%s: %s, %d", peer, r.name, n) }

// printProxy: wall is the time from one answer to the next over all clients, first the 99th percentile.
func (r *results) printProxy(w io.Writer, s settings) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%d interleaved rounds of %s; medians: requests a second, p99 and CPU of the proxy for a request in microseconds, ratios to ours (requests: more is better; p99: less)\n\n", s.rounds, s.span)
	fmt.Fprintln(t, "row\tclients\tproctor\twithout events\tGo peer\tsquid\ttinyproxy\trate : Go peer\tp99 : Go peer\tCPU : Go peer\twithout events, rate : Go peer\tCPU : Go peer\trate : squid\trate : tinyproxy")
	for _, row := range rows() {
		for _, n := range proxyClients {
			fmt.Fprintf(t, "%s\t%d", row.name, n)
			for _, p := range []string{"proctor", silentProctor, goPeers, "squid", "tinyproxy"} {
				name := proxyName(p, row, n)
				if len(r.samples[name]) == 0 {
					fmt.Fprint(t, "\t-")
					continue
				}
				fmt.Fprintf(t, "\t%.0f, %d, %d", 1e9/float64(median(r.column(name, wall))), median(r.column(name, first)).Microseconds(), median(r.column(name, cpu)).Microseconds())
			}
			ours, silent, goPeer := proxyName("proctor", row, n), proxyName(silentProctor, row, n), proxyName(goPeers, row, n)
			fmt.Fprint(t, r.quotient(goPeer, ours, wall), r.quotient(ours, goPeer, first), r.quotient(ours, goPeer, cpu), r.quotient(goPeer, silent, wall), r.quotient(silent, goPeer, cpu))
			fmt.Fprintln(t, r.quotient(proxyName("squid", row, n), ours, wall), r.quotient(proxyName("tinyproxy", row, n), ours, wall))
		}
	}
	t.Flush()
	for _, n := range r.notes {
		fmt.Fprintln(w, n)
	}
}

// quotient is the median of the ratios of the rounds, with the range.
func (r *results) quotient(a, b string, f func(sample) time.Duration) string {
	q := r.ratios(a, b, f)
	if len(q) == 0 {
		return "\t-"
	}
	return fmt.Sprintf("\t%.2f (%.2f to %.2f)", median(q), slices.Min(q), slices.Max(q))
}
