package timestamp_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha512"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"proctor/ledger/timestamp"
	"proctor/ledger/tsatest"
)

const nonce = 1<<63 + 5

var data = []byte("a checkpoint\n")

func start(t testing.TB, s tsatest.Signing) *tsatest.Authority {
	t.Helper()
	a, err := tsatest.Start(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func answer(t testing.TB, a *tsatest.Authority, f tsatest.Fault) []byte {
	t.Helper()
	request, err := timestamp.BuildRequest(data, nonce)
	if err != nil {
		t.Fatal(err)
	}
	b, err := a.Answer(request, f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// check does all that there is to check.
func check(b []byte, roots *x509.CertPool) (*timestamp.Token, error) {
	token, err := timestamp.ParseResponse(b)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(token.Answers(nonce), token.Verify(data)); err != nil {
		return nil, err
	}
	_, err = token.Chain(roots)
	return token, err
}

func TestAlgorithms(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		signing tsatest.Signing
		want    error
	}{
		"ecdsa, sha-256":            {tsatest.Signing{}, nil},
		"ecdsa p-384, sha-384":      {tsatest.Signing{Key: p384, Hash: crypto.SHA384}, nil},
		"ecdsa p-224":               {tsatest.Signing{Key: p224}, timestamp.ErrForged},
		"rsa, sha-256":              {tsatest.Signing{Key: rsaKey}, nil},
		"rsa, sha-512":              {tsatest.Signing{Key: rsaKey, Hash: crypto.SHA512}, nil},
		"rsa, sha-1":                {tsatest.Signing{Key: rsaKey, Hash: crypto.SHA1}, timestamp.ErrMalformed},
		"rsa pss, sha-384":          {tsatest.Signing{Key: rsaKey, Hash: crypto.SHA384, PSS: true}, nil},
		"ed25519, sha-512":          {tsatest.Signing{Key: edKey, Hash: crypto.SHA512}, nil},
		"ed25519, sha-256":          {tsatest.Signing{Key: edKey}, timestamp.ErrForged}, // RFC 8419 section 3
		"certificate named by sha1": {tsatest.Signing{SHA1: true}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			a := start(t, tt.signing)
			token, err := check(answer(t, a, tsatest.Fault{}), a.Roots)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if err == nil && (token.Authority() != "CN=tsatest authority" || time.Since(token.Time) > time.Minute || token.Policy != "1.2.3.4") {
				t.Errorf("%+v", token)
			}
		})
	}
}

func TestWhatIsNotBelieved(t *testing.T) {
	a := start(t, tsatest.Signing{})
	if _, err := check(answer(t, a, tsatest.Fault{}), a.Roots); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		fault tsatest.Fault
		want  error
		says  string
	}{
		"rejection":           {tsatest.Fault{Status: 2}, timestamp.ErrRejected, `status 2: rejection, it does not allow the request, it says "no \x1b[2J today"`},
		"waiting":             {tsatest.Fault{Status: 3}, timestamp.ErrRejected, "waiting"},
		"with modifications":  {tsatest.Fault{Status: 1}, timestamp.ErrRejected, "granted with modifications"},
		"wrong imprint":       {tsatest.Fault{Imprint: true}, timestamp.ErrForeign, "imprint"},
		"wrong nonce":         {tsatest.Fault{Nonce: true}, timestamp.ErrForeign, "its nonce is 4711"},
		"no nonce":            {tsatest.Fault{NoNonce: true}, timestamp.ErrForeign, "nonce"},
		"changed time":        {tsatest.Fault{Later: true}, timestamp.ErrForged, "what it says was changed"},
		"signature":           {tsatest.Fault{Signature: true}, timestamp.ErrForged, "its signature"},
		"no message digest":   {tsatest.Fault{NoDigest: true}, timestamp.ErrForged, "message digest"},
		"certificate unnamed": {tsatest.Fault{NoName: true}, timestamp.ErrForged, "which certificate"},
		"another certificate": {tsatest.Fault{OtherName: true}, timestamp.ErrForged, "names another certificate"},
		"no usage":            {tsatest.Fault{NoUsage: true}, timestamp.ErrForged, "not for time-stamping"},
		"usage not critical":  {tsatest.Fault{Uncritical: true}, timestamp.ErrForged, "not for time-stamping"},
		"usage not alone":     {tsatest.Fault{TwoUsages: true}, timestamp.ErrForged, "not for time-stamping"},
		"expired":             {tsatest.Fault{Expired: true}, timestamp.ErrForged, "valid from"},
		"a byte behind":       {tsatest.Fault{Trailing: true}, timestamp.ErrMalformed, "1 bytes too many"},
		"an element too many": {tsatest.Fault{Inside: true}, timestamp.ErrMalformed, "3 bytes too many"},
		"too large":           {tsatest.Fault{Oversized: true}, timestamp.ErrMalformed, "more than 32768 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := check(answer(t, a, tt.fault), a.Roots); !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %v that says %q", err, tt.want, tt.says)
			}
		})
	}
	other := start(t, tsatest.Signing{})
	for name, roots := range map[string]*x509.CertPool{"another root": other.Roots, "none": x509.NewCertPool(), "the system": nil} {
		if _, err := check(answer(t, a, tsatest.Fault{}), roots); !errors.Is(err, timestamp.ErrChain) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Of a token, no bit can be changed in what it says, what it signs, or the certificate that it is by.
func TestNoBitCanBeChanged(t *testing.T) {
	a := start(t, tsatest.Signing{})
	good := answer(t, a, tsatest.Fault{})
	token, err := check(good, a.Roots)
	if err != nil {
		t.Fatal(err)
	}
	accepted := 0
	for i := range 8 * len(good) {
		bad := bytes.Clone(good)
		bad[i/8] ^= 1 << (i % 8)
		got, err := check(bad, a.Roots)
		if err != nil {
			continue
		}
		if accepted++; !got.Time.Equal(token.Time) || got.Imprint != token.Imprint || !bytes.Equal(got.Signer.Raw, token.Signer.Raw) {
			t.Errorf("bit %d: %+v", i, got)
		}
	}
	// What is left is the second certificate, which Chain finds among the roots as well.
	if most := 8 * len(good) / 2; accepted > most {
		t.Errorf("%d of %d changed bits were accepted", accepted, 8*len(good))
	}
}

func TestRequestIsReadAsItIsWritten(t *testing.T) {
	b, err := timestamp.BuildRequest(data, nonce)
	if err != nil {
		t.Fatal(err)
	}
	r, err := timestamp.ParseRequest(b)
	if err != nil || r.Nonce.Uint64() != nonce {
		t.Fatalf("%+v %v", r, err)
	}
	for i := range b {
		if _, err := timestamp.ParseRequest(b[:i]); !errors.Is(err, timestamp.ErrMalformed) {
			t.Errorf("its first %d bytes: %v", i, err)
		}
	}
	if _, err := timestamp.ParseRequest(append(b, 0)); !errors.Is(err, timestamp.ErrMalformed) {
		t.Errorf("with a byte behind: %v", err)
	}
}

// FuzzParseResponse: nothing panics, and what is read and checked is what a signer signed.
func FuzzParseResponse(f *testing.F) {
	a := start(f, tsatest.Signing{})
	good := answer(f, a, tsatest.Fault{})
	token, err := check(good, a.Roots)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	for _, fault := range []tsatest.Fault{{Status: 2}, {NoNonce: true}, {Inside: true}, {NoName: true}} {
		f.Add(answer(f, a, fault))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := timestamp.ParseResponse(b)
		if err != nil {
			if got != nil {
				t.Error("a token, and an error")
			}
			return
		}
		if again, err := timestamp.ParseToken(got.Raw); err != nil || !again.Time.Equal(got.Time) {
			t.Errorf("read again: %v", err)
		}
		if got.Verify(data) != nil {
			return
		}
		if _, err := got.Chain(a.Roots); err == nil && !got.Time.Equal(token.Time) {
			t.Errorf("a token for %v", got.Time)
		}
	})
}

func FuzzParseRequest(f *testing.F) {
	b, err := timestamp.BuildRequest(data, nonce)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = timestamp.ParseRequest(b) })
}
