package tsa_test

import (
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"proctor/ledger"
	"proctor/ledger/ledgertest"
	"proctor/ledger/tsa"
)

const opensslConfig = `
[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign
[authority]
extendedKeyUsage = critical,timeStamping
keyUsage = critical,digitalSignature
[tsa]
default_tsa = one
[one]
serial = serial
signer_digest = sha256
digests = sha256
default_policy = 1.2.3.4.1
accuracy = secs:1
ordering = yes
tsa_name = yes
ess_cert_id_chain = yes
ess_cert_id_alg = sha256
`

// opensslAuthority answers with the openssl command, in a folder of its own.
type opensslAuthority struct {
	t   *testing.T
	dir string
	mu  sync.Mutex // one at a time: the serial number is in a file
}

func (a *opensslAuthority) run(args ...string) {
	a.t.Helper()
	c := exec.Command("openssl", args...)
	c.Dir = a.dir
	if out, err := c.CombinedOutput(); err != nil {
		a.t.Fatalf("openssl %v: %v\n%s", args, err, out)
	}
}

func (a *opensslAuthority) write(name, text string) {
	a.t.Helper()
	if err := os.WriteFile(filepath.Join(a.dir, name), []byte(text), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

func newOpenSSL(t *testing.T, key ...string) *opensslAuthority {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("there is no openssl on this machine, which is the authority here")
	}
	a := &opensslAuthority{t: t, dir: t.TempDir()}
	a.write("config", opensslConfig)
	a.write("serial", "01\n")
	a.run("req", "-x509", "-config", "config", "-extensions", "root", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "root.key", "-out", "root.pem", "-subj", "/CN=openssl root", "-days", "2")
	a.run(append([]string{"req", "-config", "config", "-nodes", "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=openssl authority", "-newkey"}, key...)...)
	a.run("x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-extfile", "config", "-extensions", "authority", "-out", "tsa.pem", "-days", "1")
	return a
}

func (a *opensslAuthority) ServeHTTP(out http.ResponseWriter, in *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	query, err := io.ReadAll(in.Body)
	if err == nil {
		err = os.WriteFile(filepath.Join(a.dir, "query"), query, 0o600)
	}
	c := exec.CommandContext(in.Context(), "openssl", "ts", "-reply", "-config", "config", "-queryfile", "query", "-signer", "tsa.pem", "-inkey", "tsa.key", "-chain", "root.pem", "-out", "reply")
	c.Dir = a.dir
	text, failed := c.CombinedOutput()
	answer, missing := os.ReadFile(filepath.Join(a.dir, "reply"))
	if err != nil || failed != nil || missing != nil {
		http.Error(out, string(text), http.StatusInternalServerError)
		return
	}
	out.Header().Set("Content-Type", "application/timestamp-reply")
	_, _ = out.Write(answer)
}

// A real authority is understood, and what is stored of it is understood by a real verifier.
func TestOpenSSLIsTheAuthority(t *testing.T) {
	for name, key := range map[string][]string{"rsa": {"rsa:2048"}, "ecdsa": {"ec", "-pkeyopt", "ec_paramgen_curve:P-384"}} {
		t.Run(name, func(t *testing.T) {
			a := newOpenSSL(t, key...)
			server := httptest.NewServer(a)
			defer server.Close()
			pem, err := os.ReadFile(filepath.Join(a.dir, "root.pem"))
			if err != nil {
				t.Fatal(err)
			}
			roots := x509.NewCertPool()
			roots.AppendCertsFromPEM(pem)
			l := ledgertest.Open(t, t.TempDir())
			ledgertest.Record(t, l, "s", 1, 3)
			r, err := tsa.Ask(t.Context(), l, server.URL, roots)
			if err != nil || r.Chain != "CN=openssl root" || r.Authority != "CN=openssl authority" {
				t.Fatalf("%+v %v", r, err)
			}
			if v := ledgertest.Verify(t, l, ledger.VerifyOptions{TimestampRoots: roots}); !v.OK || len(v.Timestamps) != 1 || v.Timestamps[0] != r.Timestamp {
				t.Errorf("%+v", v)
			}
			a.write("note", r.Note)
			a.write("token", string(r.Token))
			a.run("ts", "-verify", "-data", "note", "-in", "token", "-token_in", "-CAfile", "root.pem")
		})
	}
}
