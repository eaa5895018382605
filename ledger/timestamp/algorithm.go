package timestamp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	_ "crypto/sha256" // the hashes of algorithm.hash
	_ "crypto/sha512"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
)

var (
	oidSHA256  = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1} // RFC 5754 section 2
	oidRSA     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}     // RFC 3370 section 3.2: the digest is that of the signer
	oidPSS     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}    // RFC 4056
	oidMGF1    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8}
	oidEd25519 = asn1.ObjectIdentifier{1, 3, 101, 112} // RFC 8419
)

// hashes has the digest algorithms, and the identifiers of RSA and ECDSA that name them too (RFC 5754 section 3).
var hashes = map[string]struct {
	hash crypto.Hash
	kind string
}{
	oidSHA256.String():       {crypto.SHA256, "digest"},
	"2.16.840.1.101.3.4.2.2": {crypto.SHA384, "digest"},
	"2.16.840.1.101.3.4.2.3": {crypto.SHA512, "digest"},
	"1.2.840.113549.1.1.11":  {crypto.SHA256, "rsa"},
	"1.2.840.113549.1.1.12":  {crypto.SHA384, "rsa"},
	"1.2.840.113549.1.1.13":  {crypto.SHA512, "rsa"},
	"1.2.840.10045.4.3.2":    {crypto.SHA256, "ecdsa"},
	"1.2.840.10045.4.3.3":    {crypto.SHA384, "ecdsa"},
	"1.2.840.10045.4.3.4":    {crypto.SHA512, "ecdsa"},
}

// hash is that of a digest algorithm, 0 for one that is not taken.
func (a algorithm) hash() crypto.Hash {
	if known := hashes[a.id.String()]; known.kind == "digest" && a.plain() {
		return known.hash
	}
	return 0
}

// Bounds of keys, in bits.
const (
	minRSA   = 2048
	minCurve = 256
)

// checkSignature is about one signature over a message whose hash is by h. The algorithm must fit the key, and its hash be h.
func checkSignature(public any, a algorithm, h crypto.Hash, message, signature []byte) error {
	known := hashes[a.id.String()]
	hashed := func() []byte { d := h.New(); d.Write(message); return d.Sum(nil) }
	switch key := public.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < minRSA {
			return fmt.Errorf("an RSA key of %d bits, expected %d or more", key.N.BitLen(), minRSA)
		}
		if a.id.Equal(oidPSS) {
			if err := checkPSS(a.parameters, h); err != nil {
				return err
			}
			return rsa.VerifyPSS(key, h, hashed(), signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		}
		if a.plain() && (a.id.Equal(oidRSA) || known.kind == "rsa" && known.hash == h) {
			return rsa.VerifyPKCS1v15(key, h, hashed(), signature)
		}
	case *ecdsa.PublicKey:
		if bits := key.Curve.Params().BitSize; bits < minCurve {
			return fmt.Errorf("an ECDSA key of %d bits, expected %d or more", bits, minCurve)
		}
		if known.kind == "ecdsa" && known.hash == h && len(a.parameters.FullBytes) == 0 {
			if !ecdsa.VerifyASN1(key, hashed(), signature) {
				return errors.New("ecdsa: verification error")
			}
			return nil
		}
	case ed25519.PublicKey:
		if a.id.Equal(oidEd25519) && h == crypto.SHA512 && len(a.parameters.FullBytes) == 0 { // RFC 8419 section 3
			return ed25519.VerifyWithOptions(key, message, signature, &ed25519.Options{})
		}
	}
	return fmt.Errorf("algorithm %s with %v does not fit a key of type %T", a.id, h, public)
}

// checkPSS expects the parameters of RFC 4055 section 3.1 with one hash throughout, and a salt of its length.
func checkPSS(parameters asn1.RawValue, h crypto.Hash) error {
	top := der(parameters.FullBytes, MaxResponse, "RSASSA-PSS-params")
	in := top.within(asn1.TagSequence, top.what)
	box := in.explicit(0, "hashAlgorithm")
	one := box.algorithm("hashAlgorithm")
	in.join(box)
	box = in.explicit(1, "maskGenAlgorithm")
	mask := box.algorithm("maskGenAlgorithm")
	in.join(box)
	box = in.explicit(2, "saltLength")
	salt := box.integer()
	in.join(box)
	if in.err == nil && len(in.rest) > 0 {
		box = in.explicit(3, "trailerField")
		box.number(1)
		in.join(box)
	}
	top.join(in)
	if err := top.end(); err != nil {
		return err
	}
	inner := der(mask.parameters.FullBytes, MaxResponse, "MGF1")
	two := inner.algorithm("MGF1")
	if err := inner.end(); err != nil {
		return err
	}
	if one.hash() != h || two.hash() != h || !mask.id.Equal(oidMGF1) || salt.Cmp(big.NewInt(int64(h.Size()))) != 0 {
		return fmt.Errorf("parameters of RSASSA-PSS: expected %v throughout, and a salt of %d bytes", h, h.Size())
	}
	return nil
}
