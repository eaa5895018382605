package otlp_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"proctor/exporters"
	"proctor/exporters/otlp"
	"proctor/internal/otlpsink"
)

// authority signs certificates for one test.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.cert, a.key = a.issue("ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// issue writes NAME.pem and NAME.key.
func (a *authority) issue(name string, c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c.SerialNumber, c.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: name}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := c, key
	if a.cert != nil {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	a.write(name+".pem", "CERTIFICATE", der)
	a.write(name+".key", "PRIVATE KEY", private)
	made, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return made, key
}

func (a *authority) write(name, kind string, der []byte) {
	a.t.Helper()
	if err := os.WriteFile(a.path(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

func (a *authority) path(name string) string { return filepath.Join(a.dir, name) }

// server is the configuration of a sink that wants a client certificate of a.
func (a *authority) server() *tls.Config {
	a.t.Helper()
	a.issue("server", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	pair, err := tls.LoadX509KeyPair(a.path("server.pem"), a.path("server.key"))
	if err != nil {
		a.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
}

func TestTLSWithAuthorityAndClientCertificate(t *testing.T) {
	t.Parallel()
	a, other := newAuthority(t), newAuthority(t)
	a.issue("client", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	sink := startSink(t, otlpsink.Options{TLS: a.server()})
	full := otlp.TLS{CACertificate: a.path("ca.pem"), ClientCertificate: a.path("client.pem"), ClientPrivateKey: a.path("client.key")}
	for name, to := range transports {
		for what, c := range map[string]struct {
			tls     otlp.TLS
			arrives bool
			says    string
		}{
			"all":                 {full, true, ""},
			"the system's roots":  {otlp.TLS{ClientCertificate: full.ClientCertificate, ClientPrivateKey: full.ClientPrivateKey}, false, "certificate"},
			"another authority":   {otlp.TLS{CACertificate: other.path("ca.pem")}, false, "certificate"},
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
	a := newAuthority(t)
	for key, c := range map[string]otlp.TLS{
		"tls.ca-certificate":     {CACertificate: a.path("missing.pem")},
		"holds no PEM":           {CACertificate: a.path("ca.key")},
		"tls.client-certificate": {ClientCertificate: a.path("missing.pem"), ClientPrivateKey: a.path("ca.key")},
	} {
		_, err := otlp.New(otlp.Options{Traces: otlp.Exporter{Kind: otlp.GRPC, Endpoint: "https://127.0.0.1:1", TLS: c}}, newLedger(t, "s"))
		if err == nil || !strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), "traces") || !strings.Contains(err.Error(), a.dir) {
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
