package otlp_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"proctor/exporters"
	"proctor/exporters/otlp"
	"proctor/internal/certtest"
	"proctor/internal/otlpsink"
)

func TestTLSWithAuthorityAndClientCertificate(t *testing.T) {
	t.Parallel()
	a, other := certtest.New(t), certtest.New(t)
	client := a.Issue("client")
	sink := startSink(t, otlpsink.Options{TLS: a.Server(a.Issue("server", "127.0.0.1"), true)})
	full := otlp.TLS{CACertificate: a.File, ClientCertificate: client.Cert, ClientPrivateKey: client.Key}
	for name, to := range transports {
		for what, c := range map[string]struct {
			tls     otlp.TLS
			arrives bool
			says    string
		}{
			"all":                 {full, true, ""},
			"the system's roots":  {otlp.TLS{ClientCertificate: full.ClientCertificate, ClientPrivateKey: full.ClientPrivateKey}, false, "certificate"},
			"another authority":   {otlp.TLS{CACertificate: other.File}, false, "certificate"},
			"no client's own one": {otlp.TLS{CACertificate: full.CACertificate}, false, ""},
		} {
			e := to(sink, "/v1/logs")
			e.TLS = c.tls
			before := len(sink.Records())
			r := flush(t, exporter(t, newLedger(t, "s", start()), otlp.Options{Logs: e}, func(o *exporters.Options) { o.FlushWithin = 30 * time.Second }))
			if got := len(sink.Records()) - before; (got == 1) != c.arrives || (r.Left == 0) != c.arrives {
				t.Errorf("%s, %s: %d records, %v", name, what, got, r)
			}
			if r.Err != nil && !strings.Contains(r.Err.Error(), c.says) {
				t.Errorf("%s, %s: %v", name, what, r.Err)
			}
		}
	}
}

func TestTLSFilesThatCannotBeUsedAreNamed(t *testing.T) {
	t.Parallel()
	own := certtest.New(t).Issue("own")
	dir := filepath.Dir(own.Key)
	missing := filepath.Join(dir, "missing.pem")
	for key, c := range map[string]otlp.TLS{
		"tls.ca-certificate":     {CACertificate: missing},
		"holds no PEM":           {CACertificate: own.Key},
		"tls.client-certificate": {ClientCertificate: missing, ClientPrivateKey: own.Key},
	} {
		_, err := otlp.New(otlp.Options{Traces: otlp.Exporter{Kind: otlp.GRPC, Endpoint: "https://127.0.0.1:1", TLS: c}}, newLedger(t, "s"))
		if err == nil || !strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), "traces") || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestASignInPageIsNoCollector(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"http binary", "http json", "grpc"} {
		sink := startSink(t, otlpsink.Options{})
		sink.Set(otlpsink.Fault{Garbage: true})
		l := newLedger(t, "s", deltas(5)...)
		opts := otlp.Options{Logs: transports[name](sink, "/v1/logs")}
		if r := flush(t, exporter(t, l, opts, nil)); r.Left != 5 || r.Sent != 0 || r.Rejected != 0 {
			t.Errorf("%s: %v", name, r)
		}
		sink.Set(otlpsink.Fault{})
		if r := flush(t, exporter(t, l, opts, nil)); r.Left != 0 || len(sink.Records()) != 5 {
			t.Errorf("%s: %v", name, r)
		}
	}
}
