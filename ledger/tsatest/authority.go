package tsatest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"proctor/ledger/timestamp"
)

// Fault is how an authority misbehaves. The zero value is well.
type Fault struct {
	HTTP       int    // answer with this status
	Type       string // of the answer, instead of application/timestamp-reply
	Hang       bool   // until the client gives up
	Status     int    // PKIStatus, without a token
	Imprint    bool   // of something else
	Nonce      bool   // another one
	NoNonce    bool
	Later      bool // the time is changed after it was signed
	NoUsage    bool // its certificate is not for time-stamping
	TwoUsages  bool // nor for that alone
	Uncritical bool
	Expired    bool // before it signed
	NoDigest   bool // among the signed attributes
	NoName     bool // of the certificate there
	OtherName  bool // of the certificate there
	Signature  bool // a byte of it is another
	Trailing   bool // a byte behind the answer
	Inside     bool // an element too many in it
	Oversized  bool
	Ahead      time.Duration // its clock
}

// Signing is how an authority signs. The zero value is ECDSA with P-256 and SHA-256.
type Signing struct {
	Key  crypto.Signer
	Hash crypto.Hash
	PSS  bool
	SHA1 bool // the name of the certificate, as RFC 3161 has it
}

// Authority signs time-stamps; its server does so over HTTP. Close it.
type Authority struct {
	*httptest.Server
	Roots *x509.CertPool
	PEM   []byte // its root

	root    *x509.Certificate
	key     *ecdsa.PrivateKey
	signing Signing
	mu      sync.Mutex // guards what follows
	fault   Fault
	asked   int
}

// Start makes an authority with a root of its own.
func Start(s Signing) (*Authority, error) {
	a := &Authority{signing: s, Roots: x509.NewCertPool()}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	if a.signing.Key == nil {
		if a.signing.Key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return nil, err
		}
	}
	if a.signing.Hash == 0 {
		a.signing.Hash = crypto.SHA256
	}
	now := time.Now()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "tsatest root"}, NotBefore: now.Add(-48 * time.Hour), NotAfter: now.Add(48 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, a.key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	if a.root, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	a.Roots.AddCert(a.root)
	a.PEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	a.Server = httptest.NewServer(a)
	return a, nil
}

// Set changes how it behaves.
func (a *Authority) Set(f Fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fault = f
}

// Asked is how often.
func (a *Authority) Asked() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked
}

// ServeHTTP implements http.Handler.
func (a *Authority) ServeHTTP(out http.ResponseWriter, in *http.Request) {
	a.mu.Lock()
	f := a.fault
	a.asked++
	a.mu.Unlock()
	body, err := io.ReadAll(io.LimitReader(in.Body, timestamp.MaxRequest))
	switch {
	case err != nil:
		return
	case f.Hang:
		<-in.Context().Done()
		return
	case f.HTTP != 0:
		out.Header().Set("Location", "/elsewhere")
		http.Error(out, "no", f.HTTP)
		return
	case in.Method != http.MethodPost || in.Header.Get("Content-Type") != "application/timestamp-query":
		http.Error(out, "expected a query for a time-stamp", http.StatusBadRequest)
		return
	}
	answer, err := a.Answer(body, f)
	if err != nil {
		http.Error(out, err.Error(), http.StatusBadRequest)
		return
	}
	if f.Type == "" {
		f.Type = "application/timestamp-reply"
	}
	out.Header().Set("Content-Type", f.Type)
	_, _ = out.Write(answer)
}

// certificate is made for each answer: what it may is a fault, too.
func (a *Authority) certificate(f Fault) (*x509.Certificate, error) {
	now := time.Now()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "tsatest authority"}, NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if f.Expired {
		c.NotAfter = now.Add(-time.Hour)
	}
	usages := []asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}}
	if f.TwoUsages {
		usages = append(usages, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 1})
	}
	value, err := asn1.Marshal(usages)
	if err != nil {
		return nil, err
	}
	if !f.NoUsage {
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: !f.Uncritical, Value: value}}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.root, a.signing.Key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// isEd25519 signs the message and not its hash.
func (s Signing) isEd25519() bool { _, ok := s.Key.(ed25519.PrivateKey); return ok }
