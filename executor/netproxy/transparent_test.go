package netproxy

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"proctor/policy"
	"proctor/policy/egress"
)

var anyAddr = netip.MustParseAddrPort("198.18.0.1:80")

func TestTransparentConnections(t *testing.T) {
	w := newWorld(t, table("site.test", publicB), Limits{})
	w.name("site.test", publicA)
	w.echo(publicA + ":5432")
	w.echo(publicB + ":5432")
	for _, to := range []Transparent{
		{Call: "c", Client: "psql", To: netip.MustParseAddrPort("198.18.0.1:5432"), Name: "site.test"},
		{Call: "c", Client: "psql", To: netip.MustParseAddrPort("[::ffff:" + publicB + "]:5432")},
	} {
		near, far := net.Pipe()
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := w.proxy.Carry(t.Context(), to, far); err != nil {
				t.Error(err)
			}
		})
		_, _ = io.WriteString(near, "ping")
		if _, err := io.ReadFull(near, make([]byte, 4)); err != nil {
			t.Error(err)
		}
		_ = near.Close()
		wg.Wait()
		if end := <-w.ends; end.Sent != 4 || end.Received != 4 || end.Protocol != egress.TCP || end.Call != "c" || end.Client != "psql" || end.Failure != "" {
			t.Errorf("end is %+v", end)
		}
	}
	for _, to := range []Transparent{{To: anyAddr}, {To: anyAddr, Name: "other.test"}, {To: netip.MustParseAddrPort("127.0.0.1:80")}} {
		near, far := net.Pipe()
		err := w.proxy.Carry(t.Context(), to, far)
		if r, ok := errors.AsType[*Refused](err); !ok || r.Outcome != policy.Forbid {
			t.Errorf("%+v: %v", to, err)
		}
		if _, err := near.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("%+v: the connection stays open: %v", to, err)
		}
	}
	g, err := w.proxy.Open(t.Context(), Transparent{To: netip.MustParseAddrPort(publicB + ":5432")})
	if err != nil || g.Decision().Dialled.String() != publicB+":5432" {
		t.Fatal(err)
	}
	g.Close()
	if end := <-w.ends; end.Failure == "" {
		t.Errorf("end is %+v", end)
	}
	if len(w.closed) != 3 {
		t.Errorf("%d ends", len(w.closed))
	}
}

func ask(t *testing.T, name string, kind dnsmessage.Type) []byte {
	t.Helper()
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: 7, RecursionDesired: true}, Questions: []dnsmessage.Question{
		{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}}}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestStubAnswersAllowedNamesOnly(t *testing.T) {
	w := newWorld(t, table("site.test", "*.wild.test", "mail.test:25", "bad.wild.test=deny", "127.0.0.1"), Limits{})
	s := w.proxy.NewStub("run-1")
	for _, c := range []struct {
		name string
		kind dnsmessage.Type
		code dnsmessage.RCode
		want string
	}{
		{"Site.test.", dnsmessage.TypeA, 0, "198.18.0.1"}, {"a.wild.test.", dnsmessage.TypeA, 0, "198.18.0.2"}, {"site.TEST.", dnsmessage.TypeA, 0, "198.18.0.1"},
		{"mail.test.", dnsmessage.TypeA, 0, "198.18.0.3"}, {"site.test.", dnsmessage.TypeAAAA, 0, ""}, {"site.test.", dnsmessage.TypeTXT, 0, ""},
		{"bad.wild.test.", dnsmessage.TypeA, 3, ""}, {"wild.test.", dnsmessage.TypeA, 3, ""}, {"other.test.", dnsmessage.TypeMX, 3, ""}, {"other.test.", dnsmessage.TypeA, 3, ""},
		{"127.0.0.1.", dnsmessage.TypeA, 3, ""}, {".", dnsmessage.TypeNS, 3, ""}, {"secret-data.evil.test.", dnsmessage.TypeTXT, 3, ""},
	} {
		var m dnsmessage.Message
		if err := m.Unpack(s.reply(t.Context(), ask(t, c.name, c.kind))); err != nil {
			t.Fatal(err)
		}
		got := ""
		if len(m.Answers) == 1 {
			a := m.Answers[0].Body.(*dnsmessage.AResource)
			got = netip.AddrFrom4(a.A).String()
		}
		if m.RCode != c.code || got != c.want || m.ID != 7 || !m.Response {
			t.Errorf("%s %s: %v %q, want %v %q", c.name, c.kind, m.RCode, got, c.code, c.want)
		}
	}
	if name, ok := s.Name(netip.MustParseAddr("198.18.0.2")); name != "a.wild.test" || !ok {
		t.Errorf("198.18.0.2 is %q", name)
	}
	if name, ok := s.Name(netip.MustParseAddr("198.18.0.9")); ok {
		t.Errorf("198.18.0.9 is %q", name)
	}
	// Each refused name is reported, and once.
	names := map[string]int{}
	for _, d := range w.decided {
		names[d.Host]++
		if d.Protocol != egress.DNS || d.Call != "run-1" || d.Outcome != policy.Forbid {
			t.Errorf("decision %+v", d)
		}
	}
	if len(names) != 6 || names["other.test"] != 1 || names["secret-data.evil.test"] != 1 {
		t.Errorf("reported %v", names)
	}
	if len(w.asked) > 0 {
		t.Errorf("asked for %v", w.asked)
	}
}

func TestStubUnderApprovals(t *testing.T) {
	w := newWorld(t, table("bad.test=deny"), Limits{})
	w.asks(func(Decision) (Answer, error) { return AllowOnce, nil })
	s := w.proxy.NewStub("run-1")
	for name, want := range map[string]bool{"new.test": true, "bad.test": false, "localhost": false} {
		if _, ok, _ := s.address(t.Context(), name); ok != want {
			t.Errorf("%s: %t", name, ok)
		}
	}
}

func TestStubHasRoomForSoManyNames(t *testing.T) {
	w := newWorld(t, table("*.test"), Limits{})
	s := w.proxy.NewStub("")
	for i := range maxStubNames {
		s.names[string(binary.BigEndian.AppendUint32(nil, uint32(i)))] = netip.Addr{}
	}
	var m dnsmessage.Message
	if err := m.Unpack(s.reply(t.Context(), ask(t, "a.test.", dnsmessage.TypeA))); err != nil || m.RCode != dnsmessage.RCodeServerFailure {
		t.Errorf("%v %v", m.RCode, err)
	}
}

func TestStubServes(t *testing.T) {
	w := newWorld(t, table("site.test"), Limits{})
	s := w.proxy.NewStub("run-1")
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() {
		if err := s.ServePackets(ctx, pc); err != nil {
			t.Error(err)
		}
	})
	wg.Go(func() {
		if err := s.ServeStreams(ctx, l); err != nil {
			t.Error(err)
		}
	})
	for network, at := range map[string]string{"udp": pc.LocalAddr().String(), "tcp": l.Addr().String()} {
		r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, at)
		}}
		addrs, err := r.LookupHost(t.Context(), "site.test")
		if err != nil || len(addrs) != 1 || addrs[0] != "198.18.0.1" {
			t.Errorf("%s: %v %v", network, addrs, err)
		}
		if _, err := r.LookupHost(t.Context(), "other.test"); err == nil {
			t.Errorf("%s: other.test exists", network)
		}
	}
}

// Whatever is asked, the answer is a message or none, and no address outside the range is handed out.
func FuzzStub(f *testing.F) {
	good := dnsmessage.Message{Header: dnsmessage.Header{ID: 1}, Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName("a.test."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}
	b, _ := good.Pack()
	f.Add(b)
	f.Add([]byte{})
	f.Add(make([]byte, 12))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := New(Options{Policy: table("*")})
		if err != nil {
			t.Fatal(err)
		}
		answer := p.NewStub("").reply(t.Context(), b)
		if answer == nil {
			return
		}
		var m dnsmessage.Message
		if err := m.Unpack(answer); err != nil || !m.Response || len(m.Answers) > 1 {
			t.Fatalf("% x is answered with % x: %v", b, answer, err)
		}
		for _, a := range m.Answers {
			if ip := netip.AddrFrom4(a.Body.(*dnsmessage.AResource).A); !netip.MustParsePrefix("198.18.0.0/15").Contains(ip) {
				t.Fatalf("% x is answered with %s", b, ip)
			}
		}
	})
}
