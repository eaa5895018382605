package netproxy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"proctor/policy"
	"proctor/policy/egress"
)

// udpEcho answers each datagram with itself behind a public address.
func (w *world) udpEcho(public string) {
	w.t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	w.routes[public] = pc.LocalAddr().String()
	var wg sync.WaitGroup
	wg.Go(func() {
		b := make([]byte, maxDatagram)
		for {
			n, from, err := pc.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = pc.WriteTo(b[:n], from)
		}
	})
	w.t.Cleanup(func() { _ = pc.Close(); wg.Wait() })
}

// serveUDP is serve with a relay.
func (w *world) serveUDP() *world {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	w.address = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	w.stop = cancel
	var wg sync.WaitGroup
	wg.Go(func() { w.stopped <- w.proxy.Serve(ctx, Inlet{Listener: l, Datagrams: pc, Call: "run-1"}) })
	w.t.Cleanup(func() { cancel(); wg.Wait() })
	return w
}

// udpClient is a client with an association of its own.
type udpClient struct {
	t     *testing.T
	tcp   net.Conn
	udp   *net.UDPConn
	relay *net.UDPAddr
}

func (w *world) associate(announce bool) *udpClient {
	w.t.Helper()
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = udp.Close() })
	port := 0
	if announce {
		port = udp.LocalAddr().(*net.UDPAddr).Port
	}
	c := w.open()
	_, _ = c.Write([]byte{5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, byte(port >> 8), byte(port)})
	answer := make([]byte, 12)
	if _, err := io.ReadFull(c, answer); err != nil || answer[3] != 0 || answer[5] != addressIPv4 {
		w.t.Fatalf("answer % x, %v", answer, err)
	}
	return &udpClient{w.t, c, udp, &net.UDPAddr{IP: answer[6:10], Port: int(answer[10])<<8 | int(answer[11])}}
}

// send sends data to a name or address; an empty frame stands for an ordinary datagram.
func (u *udpClient) send(host string, port int, data string, fragment byte) {
	u.t.Helper()
	b := []byte{0, 0, fragment}
	if a, err := netip.ParseAddr(host); err == nil {
		b = append(b, map[bool]byte{true: addressIPv4, false: addressIPv6}[a.Is4()])
		b = append(b, a.AsSlice()...)
	} else {
		b = append(b, addressName, byte(len(host)))
		b = append(b, host...)
	}
	b = append(b, byte(port>>8), byte(port))
	if _, err := u.udp.WriteToUDP(append(b, data...), u.relay); err != nil {
		u.t.Fatal(err)
	}
}

func (u *udpClient) receive() (from, data string) {
	u.t.Helper()
	b := make([]byte, maxDatagram)
	_ = u.udp.SetReadDeadline(time.Now().Add(30 * time.Second))
	n, err := u.udp.Read(b)
	if err != nil {
		u.t.Fatal(err)
	}
	d, err := readDatagram(b[:n])
	if err != nil {
		u.t.Fatal(err)
	}
	return net.JoinHostPort(d.host, fmt.Sprint(d.port)), string(d.data)
}

func TestUDPWorks(t *testing.T) {
	w := newWorld(t, table("site.test", publicB, "[2606:4700::1111]"), Limits{})
	w.name("site.test", publicA)
	w.name("site.test", "127.0.0.1") // asked again: must not be
	w.udpEcho(publicA + ":53")
	w.udpEcho(publicB + ":53")
	w.udpEcho("[2606:4700::1111]:53")
	w.serveUDP()
	u, other := w.associate(false), w.associate(true)
	for i := range 20 {
		for host, want := range map[string]string{"site.test": publicA + ":53", publicB: publicB + ":53", "2606:4700::1111": "[2606:4700::1111]:53"} {
			say := fmt.Sprintf("%s %d", host, i)
			u.send(host, 53, say, 0)
			if from, data := u.receive(); from != want || data != say {
				t.Fatalf("%q from %s, want %q from %s", data, from, say, want)
			}
		}
	}
	large := strings.Repeat("x", 8000)
	other.send(publicB, 53, large, 0)
	if _, data := other.receive(); data != large {
		t.Errorf("%d bytes came back", len(data))
	}
	_ = u.tcp.Close()
	for range 3 {
		if end := <-w.ends; end.Protocol != egress.SOCKS5UDP || end.Call != "run-1" || end.Client != u.udp.LocalAddr().String() || end.Sent == 0 || end.Sent != end.Received || end.Failure != "" {
			t.Errorf("end is %+v", end)
		}
	}
	other.send(publicB, 53, "still", 0)
	if _, data := other.receive(); data != "still" {
		t.Errorf("the other association got %q", data)
	}
	_ = other.tcp.Close()
	if end := <-w.ends; end.Sent != 8005 {
		t.Errorf("end is %+v", end)
	}
	if len(w.decided) != 4 || len(w.asked) != 1 {
		t.Errorf("%d decisions, asked for %v", len(w.decided), w.asked)
	}
}

func TestUDPIsJudgedOncePerDestination(t *testing.T) {
	w := newWorld(t, table(publicA, "inner.test"), Limits{})
	w.name("inner.test", "10.0.0.1")
	w.udpEcho(publicA + ":53")
	w.serveUDP()
	u := w.associate(false)
	for range 5 {
		for _, host := range []string{"other.test", "127.0.0.1", "inner.test", "::1", publicB, "169.254.169.254"} {
			u.send(host, 53, "x", 0)
		}
		u.send(publicA, 53, "fragment", 1)
		u.send(publicA, 0, "port", 0)
		_, _ = u.udp.WriteToUDP([]byte("\x00\x00\x00\x03\xff"), u.relay)
		_, _ = u.udp.WriteToUDP(nil, u.relay)
	}
	stranger, err := net.DialUDP("udp", nil, u.relay)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	u.send(publicA, 53, "done", 0)
	if _, data := u.receive(); data != "done" {
		t.Errorf("%q came back", data)
	}
	_ = u.tcp.Close()
	<-w.ends
	w.stop()
	<-w.stopped
	refused := map[string]policy.Reason{}
	for _, d := range w.decided {
		if d.Outcome != policy.Allow {
			if _, twice := refused[d.Host]; twice {
				t.Errorf("%s was judged twice", d.Host)
			}
			refused[d.Host] = d.Reason
		}
	}
	if len(w.decided) != 7 || refused["other.test"] != policy.ReasonNotAllowed || refused["inner.test"] != policy.ReasonNotAllowedLocal || refused["127.0.0.1"] != policy.ReasonNotAllowedLocal {
		t.Errorf("decisions %+v", w.decided)
	}
	if len(w.dialled) != 1 {
		t.Errorf("dialled %v", w.dialled)
	}
}

// Without an association nothing is carried, and when it has ended neither.
func TestUDPNeedsItsAssociation(t *testing.T) {
	w := newWorld(t, table(publicA), Limits{})
	w.udpEcho(publicA + ":53")
	w.serveUDP()
	u := w.associate(false)
	u.send(publicA, 53, "x", 0)
	u.receive()
	_ = u.tcp.Close()
	<-w.ends
	u.send(publicA, 53, "x", 0)
	second := w.associate(false)
	second.send(publicA, 53, "y", 0)
	if _, data := second.receive(); data != "y" {
		t.Errorf("%q", data)
	}
}

func TestUDPFlowsAreBounded(t *testing.T) {
	w := newWorld(t, table("*"), Limits{UDPFlows: 2})
	for i := range 5 {
		w.udpEcho(fmt.Sprintf("%s:%d", publicA, 100+i))
	}
	w.serveUDP()
	u := w.associate(true)
	for i := range 5 {
		u.send(publicA, 100+i, "x", 0)
	}
	u.receive()
	u.receive()
	_ = u.tcp.Close()
	<-w.ends
	<-w.ends
	if len(w.decided) != 2 {
		t.Errorf("%d decisions", len(w.decided))
	}
}

func TestUDPWhereItIsNot(t *testing.T) {
	off, limited := table("*"), table("*")
	off.EnableSOCKS5UDP = false
	limited.Mode = egress.Limited
	for _, c := range []struct {
		config egress.Config
		want   byte
		reason policy.Reason
	}{{off, 7, policy.ReasonSocksUDPDisabled}, {limited, 2, policy.ReasonMethodNotAllowed}} {
		w := newWorld(t, c.config, Limits{}).serveUDP()
		conn := w.open()
		_, _ = io.WriteString(conn, "\x05\x01\x00\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00")
		got, _ := io.ReadAll(conn)
		if want := []byte{5, 0, 5, c.want, 0, 1, 0, 0, 0, 0, 0, 0}; !bytes.Equal(got, want) || w.last().Reason != c.reason {
			t.Errorf("answer % x, want % x; %+v", got, want, w.last())
		}
	}
}

// What is read has a host and a port, and its data is the rest.
func FuzzDatagram(f *testing.F) {
	for _, s := range []string{"\x00\x00\x00\x01\x7f\x00\x00\x01\x00\x35data", "\x00\x00\x00\x03\x01a\x00\x35", "\x00\x00\x01\x01", "\x00\x00\x00\x04" + strings.Repeat("\x01", 20), "", "\x00\x00\x00\x02"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := readDatagram(b)
		if err == nil && (b[2] != 0 || !bytes.HasSuffix(b, d.data) || b[3] != addressName && !literal(d.host)) {
			t.Fatalf("% x reads as %+v", b, d)
		}
		if err == nil && b[3] != addressName {
			again := appendHeader(nil, netip.AddrPortFrom(netip.MustParseAddr(d.host), d.port))
			if back, err := readDatagram(again); err != nil || back.port != d.port {
				t.Fatalf("%+v is written as % x", d, again)
			}
		}
	})
}
