package netproxy

import (
	"bytes"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"proctor/event"
	"proctor/policy"
	"proctor/policy/egress"
)

func TestSOCKSConnect(t *testing.T) {
	w := newWorld(t, table("site.test", "dead.test", "[2606:4700::1111]"), Limits{})
	w.name("site.test", publicA)
	w.name("dead.test", publicB)
	w.echo(publicA + ":22")
	w.echo("[2606:4700::1111]:22")
	w.serve(nil)
	for _, to := range []string{"site.test:22", "[2606:4700::1111]:22"} {
		c, err := w.socks().Dial("tcp", to)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, "ping")
		if _, err := io.ReadFull(c, make([]byte, 4)); err != nil {
			t.Error(err)
		}
		_ = c.Close()
		if end := <-w.ends; end.Sent != 4 || end.Received != 4 || end.Protocol != egress.SOCKS5TCP {
			t.Errorf("end is %+v", end)
		}
	}
	for to, want := range map[string]string{"nope.test:22": "not allowed", "dead.test:22": "connection refused", "127.0.0.1:22": "not allowed"} {
		if _, err := w.socks().Dial("tcp", to); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", to, err, want)
		}
	}
}

func TestSOCKSReplies(t *testing.T) {
	const hello = "\x05\x01\x00"
	limited := table("*")
	limited.Mode = egress.Limited
	off := table("*")
	off.EnableSOCKS5 = false
	for _, c := range []struct {
		name   string
		config egress.Config
		send   string
		want   string
		reason policy.Reason
	}{
		{"no common method", table(), "\x05\x01\x02", "\x05\xff", ""},
		{"bind", table("*"), hello + "\x05\x02\x00\x01\x01\x01\x01\x01\x00\x50", "\x05\x00" + "\x05\x07\x00\x01\x00\x00\x00\x00\x00\x00", ""},
		{"udp", table("*"), hello + "\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00", "\x05\x00" + "\x05\x07\x00\x01\x00\x00\x00\x00\x00\x00", policy.ReasonSocksUDPDisabled},
		{"address type", table("*"), hello + "\x05\x01\x00\x02", "\x05\x00" + "\x05\x08\x00\x01\x00\x00\x00\x00\x00\x00", ""},
		{"limited", limited, hello + "\x05\x01\x00\x03\x01a\x00\x50", "\x05\x00" + "\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00", policy.ReasonMethodNotAllowed},
		{"off", off, hello + "\x05\x01\x00\x03\x01a\x00\x50", "\x05\x00" + "\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00", policy.ReasonSocksDisabled},
		{"empty name", table("*"), hello + "\x05\x01\x00\x03\x00\x00\x50", "\x05\x00" + "\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00", policy.ReasonNotAllowed},
		{"mapped loopback", table("*"), hello + "\x05\x01\x00\x04" + strings.Repeat("\x00", 10) + "\xff\xff\x7f\x00\x00\x01\x00\x50",
			"\x05\x00" + "\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00", policy.ReasonNotAllowedLocal},
		{"wrong version", table("*"), hello + "\x04\x01\x00\x01", "\x05\x00", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.config, Limits{}).serve(nil)
			conn := w.open()
			_, _ = io.WriteString(conn, c.send)
			got, _ := io.ReadAll(conn) // a reset may follow the answer
			if string(got) != c.want {
				t.Errorf("answer % x, want % x", got, c.want)
			}
			if c.reason == "" && len(w.decided) > 0 || c.reason != "" && w.last().Reason != c.reason {
				t.Errorf("decisions %+v, want reason %q", w.decided, c.reason)
			}
		})
	}
}

func TestPayload(t *testing.T) {
	got := Payload(Decision{
		Outcome: policy.Allow, Reason: policy.ReasonNetworkAllowed, Source: egress.SourceBaseline, Rule: "*.test", Host: "a.test", Port: 443,
		Protocol: egress.HTTPSConnect, Method: "CONNECT", Client: "127.0.0.1:9", Resolved: []netip.Addr{netip.MustParseAddr(publicA)},
		Sent: 1, Received: 2, Duration: 3 * time.Millisecond, Call: "x",
	})
	want := &event.NetworkPolicyDecisionPayload{
		Scope: "domain", Decision: "allow", Source: "baseline_policy", Reason: "allow", Protocol: "https_connect", Host: "a.test", Port: 443,
		Method: "CONNECT", Client: "127.0.0.1:9", Execution: "x", Rule: "*.test", Resolved: []string{publicA}, Sent: 1, Received: 2, Duration: 3,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// However hostile, a decision fits into an event.
	hostile := Decision{Host: strings.Repeat("\xff", 1<<20), Method: strings.Repeat("m", 1<<20), Source: egress.SourceMode, Resolved: make([]netip.Addr, 256)}
	e := &event.Event{ID: event.NewID(), Kind: event.NetworkPolicyDecision, Schema: 1, Session: "s", Time: time.Unix(0, 0), Actor: event.Sandbox, Payload: Payload(hostile)}
	if enc, err := event.Encode(e); err != nil || !bytes.Contains(enc.Public, []byte("non_domain")) {
		t.Errorf("encode: %v", err)
	}
}
