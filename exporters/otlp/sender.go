package otlp

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"os"
)

func newSender(e Exporter, version string) (sender, error) {
	u, err := url.Parse(e.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("parse endpoint: %w", err)
	}
	config, err := e.TLS.load(u.Hostname())
	if err != nil {
		return nil, err
	}
	if e.Kind == GRPC {
		return newGRPC(e, u, config, version)
	}
	return newHTTP(e, config, version), nil
}

// load reads the files of t.
func (t TLS) load(host string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	if t.CACertificate != "" {
		pem, err := os.ReadFile(t.CACertificate)
		if err != nil {
			return nil, fmt.Errorf("read tls.ca-certificate: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls.ca-certificate %q holds no PEM certificate", t.CACertificate)
		}
	}
	if t.ClientCertificate != "" {
		pair, err := tls.LoadX509KeyPair(t.ClientCertificate, t.ClientPrivateKey)
		if err != nil {
			return nil, fmt.Errorf("load tls.client-certificate %q: %w", t.ClientCertificate, err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
