package egress

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"proctor/policy"
)

func table(domains ...string) Config {
	c := DefaultConfig()
	c.Enabled = true
	c.Domains = map[string]string{}
	for _, d := range domains {
		if deny, ok := strings.CutPrefix(d, "!"); ok {
			c.Domains[deny] = verdictDeny
		} else {
			c.Domains[d] = verdictAllow
		}
	}
	return c
}

func answers(ips ...string) Lookup {
	return func(string) ([]netip.Addr, error) {
		var out []netip.Addr
		for _, ip := range ips {
			out = append(out, netip.MustParseAddr(ip))
		}
		return out, nil
	}
}

const publicIP = "93.184.215.14"

// Every spelling of a host meets the rule for it.
func TestSpellings(t *testing.T) {
	for _, c := range []struct {
		rule, host string
		match      bool
	}{
		{"example.com", "Example.COM.", true}, {"example.com", " example.com ", true}, {"example.com", "example.com:8443", true},
		{"EXAMPLE.com..", "example.com", true}, {"example.com", "www.example.com", false}, {"*.example.com", "example.com", false},
		{"*.example.com", "a.b.example.com", true}, {"**.example.com", "example.com", true}, {"**.example.com", "a.example.com", true},
		{"**.example.com", "badexample.com", false}, {"*.example.com", "badexample.com", false}, {"region*.v2.example.com", "region-1.v2.example.com", true},
		{"a?.example.com", "ab.example.com", true}, {"a[0-9].example.com", "a5.example.com", true}, {"a[!0-9].example.com", "a5.example.com", false},
		{"bücher.test", "xn--bcher-kva.test", true}, {"xn--bcher-kva.test", "BÜCHER.test", true}, {"*.bücher.test", "a.xn--bcher-kva.test", true},
		{"example.com", "ｅｘａｍｐｌｅ．com", true}, {"example.com", "example。com", true}, {"straße.test", "strasse.test", false},
		{"8.8.8.8", "8.8.8.8.", true}, {"[2606:4700::1111]", "2606:4700:0:0::1111", true}, {"2606:4700::1111", "[2606:4700::1111]:443", true},
		{"*", "anything.test", true},
	} {
		d := Decide(table(c.rule), Request{Host: c.host, Port: 443, Protocol: HTTPSConnect}, answers(publicIP))
		if (d.Outcome == policy.Allow) != c.match {
			t.Errorf("rule %q, host %q: %+v", c.rule, c.host, d)
		}
	}
}

// A deny covers every form that reaches the same address.
func TestDeniedForms(t *testing.T) {
	for _, host := range []string{"8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1", "::8.8.8.8", "134744072", "0x8080808", "010.8.8.8", "8.8.2056", "８.8.8.8"} {
		c := table("*", "!8.8.8.8")
		c.AllowLocalBinding = true
		if d := Decide(c, Request{Host: host, Port: 1, Protocol: HTTP, Method: "GET"}, nil); d.Reason != policy.ReasonDenied {
			t.Errorf("%s: %+v", host, d)
		}
	}
	if d := Decide(table("*", "!::ffff:8.8.8.8"), Request{Host: "8.8.8.8", Protocol: HTTP}, nil); d.Reason != policy.ReasonDenied {
		t.Errorf("a mapped deny lets the address pass: %+v", d)
	}
}

// A port in a rule limits it.
func TestPorts(t *testing.T) {
	for _, c := range []struct {
		rules []string
		host  string
		port  uint16
		want  policy.Reason
	}{
		{[]string{"example.com:443"}, "example.com", 443, policy.ReasonNetworkAllowed},
		{[]string{"example.com:443"}, "example.com", 22, policy.ReasonNotAllowed},
		{[]string{"127.0.0.1:9"}, "127.0.0.1", 18080, policy.ReasonNotAllowedLocal},
		{[]string{"127.0.0.1:9"}, "127.0.0.1", 9, policy.ReasonNetworkAllowed},
		{[]string{"[::1]:9"}, "::1", 9, policy.ReasonNetworkAllowed},
		{[]string{"*", "!*.example.com:25"}, "mx.example.com", 25, policy.ReasonDenied},
		{[]string{"*", "!*.example.com:25"}, "mx.example.com", 443, policy.ReasonNetworkAllowed},
	} {
		if d := Decide(table(c.rules...), Request{Host: c.host, Port: c.port, Protocol: SOCKS5TCP}, answers(publicIP)); d.Reason != c.want {
			t.Errorf("%q, %s:%d: %+v", c.rules, c.host, c.port, d)
		}
	}
}

func TestPublic(t *testing.T) {
	for _, s := range strings.Fields("0.1.2.3 10.0.0.1 100.64.0.1 127.0.0.1 168.63.129.16 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.192 192.0.2.1 192.88.99.1 " +
		"192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255 :: ::1 ::2 fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1 ff02::1 " +
		"::ffff:10.0.0.1 ::10.0.0.1 64:ff9b::a00:1 64:ff9b:1::8.8.8.8 2002:808:808:: 2001::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 3fff::1 100::1 5f00::1 4000::1 " +
		"::ffff:0:8.8.8.8 2606:4700::1%1") {
		if Public(netip.MustParseAddr(s)) {
			t.Errorf("%s counts as public", s)
		}
	}
	for _, s := range strings.Fields("1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1 169.253.0.1 172.15.0.1 172.32.0.1 192.167.0.1 " +
		"198.17.0.1 198.20.0.1 223.255.255.255 2606:4700::1111 2a00::1 2001:4860:4860::8888 2003::1 ::ffff:8.8.8.8 64:ff9b::8.8.8.8") {
		if !Public(netip.MustParseAddr(s)) {
			t.Errorf("%s counts as local", s)
		}
	}
}

// The order of checks shows in the reason, and in whether the resolver was asked.
func TestOrder(t *testing.T) {
	limited := func(c Config) Config { c.Mode = Limited; return c }
	local := func(c Config) Config { c.AllowLocalBinding = true; return c }
	off := false
	managed := func(c Config, m Managed) Config { c.Managed = &m; return c }
	fails := func(string) ([]netip.Addr, error) { return nil, errors.New("timeout") }
	for _, c := range []struct {
		name   string
		config Config
		r      Request
		lookup Lookup
		want   policy.Reason
		asked  bool
	}{
		{"miss asks no resolver", table("a.test"), Request{Host: "b.test", Protocol: HTTP}, nil, policy.ReasonNotAllowed, false},
		{"lookup fails", table("a.test"), Request{Host: "a.test", Protocol: HTTP}, fails, policy.ReasonNotAllowedLocal, true},
		{"empty answer", table("a.test"), Request{Host: "a.test", Protocol: HTTP}, answers(), policy.ReasonNotAllowedLocal, true},
		{"one private answer", table("a.test"), Request{Host: "a.test", Protocol: HTTP}, answers(publicIP, "::ffff:10.0.0.1"), policy.ReasonNotAllowedLocal, true},
		{"no resolver", table("a.test"), Request{Host: "a.test", Protocol: HTTP}, nil, policy.ReasonNotAllowedLocal, true},
		{"numeric name with a public answer", table("*"), Request{Host: "127.1", Protocol: HTTP}, answers(publicIP), policy.ReasonNotAllowedLocal, true},
		{"numeric name with local binding", local(table("*")), Request{Host: "0x7f.1", Protocol: HTTP}, nil, policy.ReasonNotAllowedLocal, false},
		{"name that ends in a number", table("*"), Request{Host: "1.2.3.4.5", Protocol: HTTP}, answers(publicIP), policy.ReasonNotAllowedLocal, true},
		{"wildcard is no local exception", table("*", "127.*", "**.0.0.1"), Request{Host: "127.0.0.1", Protocol: HTTP}, nil, policy.ReasonNotAllowedLocal, false},
		{"localhost by name", table("localhost"), Request{Host: "LocalHost.", Protocol: HTTP}, nil, policy.ReasonNetworkAllowed, false},
		{"localhost denied", table("localhost", "!localhost"), Request{Host: "localhost", Protocol: HTTP}, nil, policy.ReasonDenied, false},
		{"local binding needs a rule too", local(table("a.test")), Request{Host: "127.0.0.1", Protocol: HTTP}, nil, policy.ReasonNotAllowed, false},
		{"limited tunnel", limited(table("a.test")), Request{Host: "a.test", Protocol: HTTPSConnect}, nil, policy.ReasonMITMRequired, false},
		{"limited post", limited(table("a.test")), Request{Host: "a.test", Protocol: HTTP, Method: "POST"}, nil, policy.ReasonMethodNotAllowed, false},
		{"limited socks", limited(table("a.test")), Request{Host: "a.test", Protocol: SOCKS5TCP}, nil, policy.ReasonMethodNotAllowed, false},
		{"malformed", table("*"), Request{Host: "a b", Protocol: HTTP}, nil, policy.ReasonNotAllowed, false},
		{"unknown protocol", table("*"), Request{Host: "a.test", Protocol: "quic"}, nil, policy.ReasonUnknownProtocol, false},
		{"bad table refuses everything", table("a.test", "!*"), Request{Host: "a.test", Protocol: HTTP}, nil, policy.ReasonInvalidNetworkPolicy, false},
		{"managed list only", managed(table("a.test"), Managed{ManagedAllowedDomainsOnly: true}), Request{Host: "a.test", Protocol: HTTP}, nil, policy.ReasonNotAllowed, false},
		{"managed allow", managed(table(), Managed{ManagedAllowedDomainsOnly: true, Domains: map[string]string{"localhost": "allow"}}), Request{Host: "localhost", Protocol: HTTP}, nil, policy.ReasonNetworkAllowed, false},
		{"managed deny", managed(table("*"), Managed{Domains: map[string]string{"a.test": "deny"}}), Request{Host: "a.test", Protocol: HTTP}, nil, policy.ReasonDenied, false},
		{"managed local binding", managed(local(table("*")), Managed{AllowLocalBinding: &off}), Request{Host: "::1", Protocol: HTTP}, nil, policy.ReasonNotAllowedLocal, false},
		{"managed switches off", managed(table("*"), Managed{Enabled: &off}), Request{Host: "a.test", Protocol: HTTP}, nil, policy.ReasonProxyDisabled, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := Decide(c.config, c.r, c.lookup)
			if d.Reason != c.want || d.LookedUp != c.asked {
				t.Errorf("got %+v, want %s, resolver asked %v", d, c.want, c.asked)
			}
		})
	}
}

func TestAskable(t *testing.T) {
	final := table("a.test")
	final.Managed = &Managed{ManagedAllowedDomainsOnly: true}
	for _, c := range []struct {
		config Config
		host   string
		want   bool
	}{{table("a.test"), "b.test", true}, {final, "a.test", false}, {table("!b.test"), "b.test", false}, {table(), "127.0.0.1", false}, {table(), "a b", false}, {table(), "127.1", false}} {
		if d := Decide(c.config, Request{Host: c.host, Protocol: HTTP}, nil); d.Askable != c.want || d.Outcome != policy.Forbid {
			t.Errorf("%s: %+v", c.host, d)
		}
	}
}

func TestSockets(t *testing.T) {
	c := table()
	c.UnixSockets = map[string]string{"/run/a.sock": "allow", "/run/b.sock": "deny"}
	all := c
	all.DangerouslyAllowAllUnixSockets = true
	for _, x := range []struct {
		config Config
		path   string
		want   bool
	}{{c, "/run/a.sock", true}, {c, "/run/b.sock", false}, {c, "/run/../run/a.sock", false}, {c, "run/a.sock", false}, {c, "/run/c.sock", false},
		{all, "/run/c.sock", true}, {all, "/run/b.sock", false}, {all, "run/c.sock", false}, {all, "/run/../x", false}} {
		if d := Decide(x.config, Request{Host: x.path, Protocol: Unix, Method: "GET"}, nil); (d.Outcome == policy.Allow) != x.want {
			t.Errorf("%s: %+v", x.path, d)
		}
	}
}

func TestValidateDomains(t *testing.T) {
	for _, bad := range []string{"", " ", "**", "!*", "!*.", "***.a", "**.**", "a**b", "a[", "http://a", "a/b", "a b", "a:0", "a:99999", "a:x", "a:", "a..b", "{a,b}", "![*]", "a@b", "**."} {
		if ValidateDomains(table(bad).Domains) == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	for _, good := range []string{"*", "a", "*.a.test", "!**.a.test", "a:443", "[::1]", "[::1]:80", "::1", "a?.test", "a[bc].test", "bücher.test", "fe80::1%eth0", "127.0.0.1"} {
		if err := ValidateDomains(table(good).Domains); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	if ValidateDomains(map[string]string{"a.test": "none"}) == nil {
		t.Error("the value none was accepted")
	}
}

func TestClampBind(t *testing.T) {
	open := Config{DangerouslyAllowNonLoopbackProxy: true}
	sockets := open
	sockets.UnixSockets = map[string]string{"/a": "allow"}
	denied := open
	denied.UnixSockets = map[string]string{"/a": "deny"}
	for _, c := range []struct {
		config          Config
		requested, want string
		warns           bool
	}{
		{Config{}, "127.0.0.1:1", "127.0.0.1:1", false}, {Config{}, "127.0.0.5", "127.0.0.5:3128", false}, {Config{}, "localhost:5", "127.0.0.1:5", false},
		{Config{}, "http://u:p@0.0.0.0:7/x?y", "127.0.0.1:7", true}, {Config{}, "[::]:7", "127.0.0.1:7", true}, {Config{}, "::1", "[::1]:3128", false},
		{Config{}, "proxy.test", "127.0.0.1:3128", true}, {open, "0.0.0.0:7", "0.0.0.0:7", true}, {open, "[2001:db8::1]:7", "[2001:db8::1]:7", true},
		{sockets, "0.0.0.0:7", "127.0.0.1:7", true}, {denied, "0.0.0.0:7", "0.0.0.0:7", true},
	} {
		b, err := ClampBind(c.config, c.requested, DefaultHTTPPort)
		if err != nil || b.Addr.String() != c.want || (b.Warning != "") != c.warns {
			t.Errorf("%s: %v %q %v, want %s", c.requested, b.Addr, b.Warning, err, c.want)
		}
	}
	for _, bad := range []string{"", " ", "http://", "127.0.0.1:x", "127.0.0.1:70000", "[::1"} {
		if b, err := ClampBind(open, bad, 1); err == nil {
			t.Errorf("%q gives %v", bad, b.Addr)
		}
	}
}

// What is allowed was checked: public addresses only while local destinations are off, and one more deny never allows more.
func TestLaws(t *testing.T) {
	hosts := []string{"a.test", "b.a.test", "127.0.0.1", "10.0.0.1", "8.8.8.8", "::1", "2606:4700::1", "localhost", "127.1", "xn--bcher-kva.test", ""}
	rules := []string{"*", "*.a.test", "**.a.test", "a.test", "8.8.8.8", "127.0.0.1", "localhost", "bücher.test", "a.test:443", "8.*"}
	ips := []string{publicIP, "10.0.0.1", "64:ff9b::a00:1", "2606:4700::1"}
	rapid.Check(t, func(t *rapid.T) {
		c := table(rapid.SliceOfN(rapid.SampledFrom(rules), 0, 4).Draw(t, "allow")...)
		r := Request{Host: rapid.SampledFrom(hosts).Draw(t, "host"), Port: 443, Protocol: HTTPSConnect}
		lookup := answers(rapid.SliceOfN(rapid.SampledFrom(ips), 0, 3).Draw(t, "answer")...)
		before := Decide(c, r, lookup)
		if before.Outcome == policy.Allow {
			if len(before.Addrs) == 0 {
				t.Fatal("allowed without an address to dial")
			}
			for _, a := range before.Addrs {
				if _, listed := c.Domains[before.Host]; !Public(a) && !listed {
					t.Fatalf("allowed to %s by %+v", a, before)
				}
			}
		}
		deny := rapid.SampledFrom(rules[1:]).Draw(t, "deny")
		c.Domains[deny] = verdictDeny
		if after := Decide(c, r, lookup); after.Outcome.Strictness() < before.Outcome.Strictness() {
			t.Fatalf("denying %s allows: %+v", deny, after)
		}
	})
}

// Any host and pattern is judged without panic, and the normal form of a host is stable.
func FuzzHost(f *testing.F) {
	for _, s := range []string{"Example.com.", "[::1]:80", "fe80::1%25eth0", "0x7f.1", "bücher.de", "xn--", "a..b", "１２７.1", "*.a", "**.b", "a[!b]", "[*]", "a:1", ":", "[", "%"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, raw, pattern string) {
		h, err := normaliseHost(raw)
		if err == nil {
			again, err := normaliseHost(h.text)
			if err != nil || again.text != h.text {
				t.Fatalf("%q becomes %q, then %q, %v", raw, h.text, again.text, err)
			}
		}
		c := table("*")
		c.Domains[pattern] = verdictDeny
		d := Decide(c, Request{Host: raw, Port: 1, Protocol: HTTP, Method: "GET"}, answers(publicIP))
		if d.Outcome == policy.Allow && (err != nil || len(d.Addrs) == 0) {
			t.Fatalf("%q allowed: %+v", raw, d)
		}
		_, _ = ClampBind(c, raw, 1)
	})
}
