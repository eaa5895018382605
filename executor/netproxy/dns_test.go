package netproxy

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"proctor/policy"
	"proctor/policy/egress"
)

// hostileDNS is a name server whose answers depend on the first label of the name.
type hostileDNS struct {
	t    *testing.T
	pc   net.PacketConn
	l    net.Listener
	mu   sync.Mutex
	seen map[string]int
}

func startDNS(t *testing.T) *net.Resolver {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pc, err := net.ListenPacket("udp", l.Addr().String())
	if err != nil {
		t.Skip("no port is free for UDP and TCP alike: ", err)
	}
	d := &hostileDNS{t: t, pc: pc, l: l, seen: map[string]int{}}
	var wg sync.WaitGroup
	wg.Go(d.packets)
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { d.stream(c) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); _ = pc.Close(); wg.Wait() })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, l.Addr().String())
		if err == nil {
			t.Cleanup(func() { _ = c.Close() }) // or the resolver goes on waiting for some seconds
		}
		return c, err
	}}
}

func (d *hostileDNS) packets() {
	b := make([]byte, 4096)
	for {
		n, from, err := d.pc.ReadFrom(b)
		if err != nil {
			return
		}
		if a := d.answer(b[:n], false); a != nil {
			_, _ = d.pc.WriteTo(a, from)
		}
	}
}

func (d *hostileDNS) stream(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	for {
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		b := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(c, b); err != nil {
			return
		}
		a := d.answer(b, true)
		_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(a))), a...))
	}
}

func (d *hostileDNS) answer(question []byte, tcp bool) []byte {
	var m dnsmessage.Message
	if m.Unpack(question) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	name := strings.TrimSuffix(q.Name.String(), ".")
	kind, _, _ := strings.Cut(name, ".")
	d.mu.Lock()
	d.seen[kind+q.Type.String()]++
	n := d.seen[kind+q.Type.String()]
	d.mu.Unlock()
	out := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true}, Questions: m.Questions}
	add := func(owner string, addrs ...string) {
		for _, s := range addrs {
			a := netip.MustParseAddr(s)
			h := dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(owner), Class: dnsmessage.ClassINET}
			switch {
			case a.Is4() && q.Type == dnsmessage.TypeA:
				out.Answers = append(out.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: a.As4()}})
			case a.Is6() && q.Type == dnsmessage.TypeAAAA:
				out.Answers = append(out.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
			}
		}
	}
	alias := func(from, to string) {
		out.Answers = append(out.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(from), Class: dnsmessage.ClassINET},
			Body:   &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(to)},
		})
	}
	self := q.Name.String()
	switch kind {
	case "good":
		add(self, publicA, "2606:4700::1111")
	case "flip":
		if n%2 == 1 {
			add(self, publicA)
		} else {
			add(self, "127.0.0.1")
		}
	case "private":
		add(self, "10.0.0.1")
	case "mixed":
		add(self, publicA, "192.168.0.1")
	case "mixed6":
		add(self, publicA, "fd00::1")
	case "mapped":
		add(self, "::ffff:127.0.0.1")
	case "nat64":
		add(self, "64:ff9b::7f00:1")
	case "teredo":
		add(self, "2001::1")
	case "metadata":
		add(self, "169.254.169.254")
	case "cname":
		alias(self, "a.chain.test.")
		alias("a.chain.test.", "b.chain.test.")
		add("b.chain.test.", "127.0.0.1")
	case "cnamegood":
		alias(self, "a.chain.test.")
		add("a.chain.test.", publicA)
	case "loop":
		alias(self, "loop2.test.")
		alias("loop2.test.", self)
	case "empty":
	case "nxdomain":
		out.RCode = dnsmessage.RCodeNameError
	case "servfail":
		out.RCode = dnsmessage.RCodeServerFailure
	case "slow":
		return nil
	case "garbage":
		return []byte("\xff\xff\xff")
	case "otherid":
		out.ID++
		add(self, "127.0.0.1")
	case "othername":
		add("elsewhere.test.", "127.0.0.1")
	case "huge", "hugeprivate":
		if !tcp {
			out.Truncated = true
			break
		}
		for i := range 400 {
			add(self, netip.AddrFrom4([4]byte{93, 184, byte(i >> 8), byte(i)}).String())
		}
		if kind == "hugeprivate" {
			add(self, "10.0.0.1")
		}
	}
	b, err := out.Pack()
	if err != nil {
		d.t.Error(err)
	}
	return b
}

// Whatever a name server says, nothing is dialled but public addresses that were judged.
func TestHostileNameServer(t *testing.T) {
	resolver := startDNS(t)
	allowed := map[string]bool{"good": true, "flip": true, "cnamegood": true}
	for _, kind := range strings.Fields("good flip flip private mixed mixed6 mapped nat64 teredo metadata cname cnamegood loop empty nxdomain servfail slow garbage otherid othername huge hugeprivate") {
		w := newWorld(t, table("*.hostile.test"), Limits{Lookup: 3 * time.Second})
		if kind == "slow" || kind == "garbage" || kind == "otherid" { // these wait for an answer that counts
			w.proxy.limits.Lookup = 100 * time.Millisecond
		}
		w.proxy.resolver = absolute{resolver}
		w.site(publicA+":80", http.NotFoundHandler())
		w.serve(nil)
		got := w.raw("GET http://" + kind + ".hostile.test/ HTTP/1.1\r\nConnection: close\r\n\r\n")
		d := w.last()
		if kind == "flip" { // the answer is the first or the second, and is used as it was judged
			if (d.Outcome == policy.Allow) != strings.Contains(got, "404 ") {
				t.Errorf("flip: %+v, answer %q", d, got)
			}
		} else if allowed[kind] != strings.Contains(got, "404 ") || !allowed[kind] && d.Reason != policy.ReasonNotAllowedLocal {
			t.Errorf("%s: %+v, answer %q", kind, d, got)
		}
		for _, at := range w.dialled {
			if a := netip.MustParseAddrPort(at).Addr(); !egress.Public(a) {
				t.Errorf("%s: dialled %s", kind, at)
			}
		}
		for _, c := range []string{"CONNECT " + kind + ".hostile.test:80 HTTP/1.1\r\n\r\n"} {
			conn := w.open()
			_, _ = io.WriteString(conn, c)
			_, _ = conn.Read(make([]byte, 100))
			_ = conn.Close()
		}
		for _, at := range w.dialled {
			if a := netip.MustParseAddrPort(at).Addr(); !egress.Public(a) {
				t.Errorf("%s: dialled %s for a tunnel", kind, at)
			}
		}
	}
}
