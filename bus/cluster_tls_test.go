package bus_test

import (
	"strings"
	"testing"
	"time"

	"proctor/bus"
	"proctor/bus/bustest"
	"proctor/event"
	"proctor/internal/certtest"
)

// TestAClusterOverTLS: with the authority and a certificate of its own a process records; without either it is told what is wrong and
// nothing is sent.
func TestAClusterOverTLS(t *testing.T) {
	authority, other := certtest.New(t), certtest.New(t)
	mine, others := authority.Issue("mine"), other.Issue("other")
	s := bustest.StartTLS(t, 1, authority)
	o := clusterOptions(s, "node")
	o.URL = strings.ReplaceAll(o.URL, "nats://", "tls://")
	o.CA, o.Cert, o.Key = authority.File, mine.Cert, mine.Key
	o.Partitions = 1
	node := startNodeWith(t, o, "a", t.TempDir())
	agent := o
	agent.URL = strings.ReplaceAll(agent.URL, "node:", "agent:")
	stream, err := event.NewStream("over-tls", 0, "", "", dialClusterWith(t, agent), time.Now)
	if err == nil {
		_, err = stream.Record(t.Context(), draft("text"))
	}
	if err != nil {
		t.Fatal(err)
	}
	has(t, node.ledger, 1)
	for name, tt := range map[string]struct {
		spoil func(*bus.ClusterOptions)
		want  string
	}{
		"another authority":        {func(o *bus.ClusterOptions) { o.CA = other.File }, "certificate"},
		"no authority":             {func(o *bus.ClusterOptions) { o.CA = "" }, "certificate"},
		"no certificate":           {func(o *bus.ClusterOptions) { o.Cert, o.Key = "", "" }, "cert_file and key_file"},
		"another's certificate":    {func(o *bus.ClusterOptions) { o.Cert, o.Key = others.Cert, others.Key }, "certificate"},
		"a certificate and no key": {func(o *bus.ClusterOptions) { o.Key = "" }, "needs both files"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := agent
			tt.spoil(&bad)
			bad.Patience = time.Second
			b, err := bus.Dial(t.Context(), bad)
			if err == nil {
				_ = b.Close(t.Context())
				t.Fatal("it connected")
			}
			if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), bustest.Password) {
				t.Errorf("got %v, want %q in it and no password", err, tt.want)
			}
		})
	}
}

// TestAClusterWithCredentials: a user's file of JWT and key takes the place of a password. Without it nobody is let in.
func TestAClusterWithCredentials(t *testing.T) {
	s, file := bustest.StartWithCredentials(t, 1)
	o := clusterOptions(s, "node")
	o.URL = strings.ReplaceAll(o.URL, "node:"+bustest.Password+"@", "")
	o.Credentials, o.Partitions, o.AssumeSynced = file, 1, true
	node := startNodeWith(t, o, "a", t.TempDir())
	stream, err := event.NewStream("by-jwt", 0, "", "", dialClusterWith(t, o), time.Now)
	if err == nil {
		_, err = stream.Record(t.Context(), draft("text"))
	}
	if err != nil {
		t.Fatal(err)
	}
	has(t, node.ledger, 1)
	o.Credentials = ""
	if b, err := bus.Dial(t.Context(), o); err == nil {
		_ = b.Close(t.Context())
		t.Error("it connected without")
	} else if !strings.Contains(err.Error(), "Authorization") {
		t.Error(err)
	}
	o.Credentials = file + ".gone"
	if _, err := bus.Dial(t.Context(), o); err == nil || !strings.Contains(err.Error(), file+".gone") {
		t.Errorf("a file that is not there: %v", err)
	}
}
