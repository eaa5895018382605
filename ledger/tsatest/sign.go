package tsatest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // RFC 3161 names certificates by it
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"
	"time"

	"proctor/ledger/timestamp"
)

// Identifiers as the octets of their encoding.
var (
	signedData = oid(1, 2, 840, 113549, 1, 7, 2)
	tstInfo    = oid(1, 2, 840, 113549, 1, 9, 16, 1, 4)
	mgf1       = oid(1, 2, 840, 113549, 1, 1, 8)
	digests    = map[crypto.Hash][]byte{crypto.SHA1: oid(1, 3, 14, 3, 2, 26), crypto.SHA256: oid(2, 16, 840, 1, 101, 3, 4, 2, 1), crypto.SHA384: oid(2, 16, 840, 1, 101, 3, 4, 2, 2), crypto.SHA512: oid(2, 16, 840, 1, 101, 3, 4, 2, 3)}
	withECDSA  = map[crypto.Hash]int{crypto.SHA256: 2, crypto.SHA384: 3, crypto.SHA512: 4}
)

func must(value any, params string) []byte {
	b, err := asn1.MarshalWithParams(value, params)
	if err != nil {
		return nil // the reader refuses it, so a test fails
	}
	return b
}

func oid(arcs ...int) []byte { return must(asn1.ObjectIdentifier(arcs), "") }

// tlv is an element of any type around others.
func tlv(class, tag int, compound bool, parts ...[]byte) []byte {
	return must(asn1.RawValue{Class: class, Tag: tag, IsCompound: compound, Bytes: bytes.Join(parts, nil)}, "")
}

func seq(parts ...[]byte) []byte { return tlv(0, asn1.TagSequence, true, parts...) }

// set sorts, as DER does.
func set(parts ...[]byte) []byte {
	slices.SortFunc(parts, bytes.Compare)
	return tlv(0, asn1.TagSet, true, parts...)
}

func explicit(tag int, parts ...[]byte) []byte { return tlv(2, tag, true, parts...) }

func octets(b []byte) []byte { return tlv(0, asn1.TagOctetString, false, b) }

func sum(h crypto.Hash, b []byte) []byte { d := h.New(); d.Write(b); return d.Sum(nil) }

// Answer is the response to a request.
func (a *Authority) Answer(request []byte, f Fault) ([]byte, error) {
	r, err := timestamp.ParseRequest(request)
	if err != nil {
		return nil, err
	}
	if f.Oversized {
		return seq(seq(must(0, "")), octets(make([]byte, timestamp.MaxResponse))), nil
	}
	if f.Status != 0 {
		return seq(seq(must(f.Status, ""), seq(must("no \x1b[2J today", "utf8")), must(asn1.BitString{Bytes: []byte{0x20}, BitLength: 3}, ""))), nil
	}
	token, err := a.token(r, f)
	if err != nil {
		return nil, err
	}
	parts := [][]byte{seq(must(0, "")), token}
	if f.Inside {
		parts = append(parts, must(1, ""))
	}
	answer := seq(parts...)
	if f.Trailing {
		answer = append(answer, 0)
	}
	return answer, nil
}

func (a *Authority) token(r timestamp.Request, f Fault) ([]byte, error) {
	certificate, err := a.certificate(f)
	if err != nil {
		return nil, err
	}
	now := time.Now().Add(f.Ahead).UTC()
	info := content(r, now, f)
	attributes := a.attributes(info, certificate, f)
	signature, algorithm, err := a.sign(set(attributes...))
	if err != nil {
		return nil, err
	}
	if f.Signature {
		signature[len(signature)-1] ^= 1
	}
	if f.Later {
		info = content(r, now.Add(-24*time.Hour), f)
	}
	digest := seq(digests[a.signing.Hash])
	inner := set(attributes...)
	inner[0] = 0xa0
	signer := seq(must(1, ""), seq(certificate.RawIssuer, must(certificate.SerialNumber, "")), digest, inner, algorithm, octets(signature))
	return seq(signedData, explicit(0, seq(
		must(3, ""), set(digest), seq(tstInfo, explicit(0, octets(info))), explicit(0, certificate.Raw, a.root.Raw), set(signer),
	))), nil
}

// content is a TSTInfo.
func content(r timestamp.Request, now time.Time, f Fault) []byte {
	hash, nonce := r.Imprint, must(r.Nonce, "")
	if f.Imprint {
		hash = sha256.Sum256([]byte("something else"))
	}
	if f.Nonce {
		nonce = must(4711, "")
	}
	if f.NoNonce {
		nonce = nil
	}
	return seq(must(1, ""), oid(1, 2, 3, 4), seq(seq(digests[crypto.SHA256], asn1.NullBytes), octets(hash[:])), must(7, ""),
		tlv(0, asn1.TagGeneralizedTime, false, []byte(now.Format("20060102150405Z"))), seq(must(1, "")), nonce)
}

// attributes are those that are signed.
func (a *Authority) attributes(info []byte, c *x509.Certificate, f Fault) [][]byte {
	named := c.Raw
	if f.OtherName {
		named = a.root.Raw
	}
	name := seq(oid(1, 2, 840, 113549, 1, 9, 16, 2, 47), set(seq(seq(seq(octets(sum(crypto.SHA256, named)))))))
	if a.signing.SHA1 {
		h := sha1.Sum(named) //nolint:gosec // see above
		name = seq(oid(1, 2, 840, 113549, 1, 9, 16, 2, 12), set(seq(seq(seq(octets(h[:]))))))
	}
	all := [][]byte{seq(oid(1, 2, 840, 113549, 1, 9, 3), set(tstInfo))}
	if !f.NoDigest {
		all = append(all, seq(oid(1, 2, 840, 113549, 1, 9, 4), set(octets(sum(a.signing.Hash, info)))))
	}
	if !f.NoName {
		all = append(all, name)
	}
	return all
}

func (a *Authority) sign(message []byte) (signature, algorithm []byte, err error) {
	h := a.signing.Hash
	digest := seq(digests[h])
	switch a.signing.Key.(type) {
	case *rsa.PrivateKey:
		if a.signing.PSS {
			algorithm = seq(oid(1, 2, 840, 113549, 1, 1, 10), seq(explicit(0, digest), explicit(1, seq(mgf1, digest)), explicit(2, must(h.Size(), ""))))
			signature, err = a.signing.Key.Sign(rand.Reader, sum(h, message), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: h})
			return signature, algorithm, err
		}
		algorithm = seq(oid(1, 2, 840, 113549, 1, 1, 1), asn1.NullBytes)
	case *ecdsa.PrivateKey:
		algorithm = seq(oid(1, 2, 840, 10045, 4, 3, withECDSA[h]))
	default:
		if !a.signing.isEd25519() {
			return nil, nil, fmt.Errorf("key of type %T", a.signing.Key)
		}
		signature, err = a.signing.Key.Sign(nil, message, crypto.Hash(0))
		return signature, seq(oid(1, 3, 101, 112)), err
	}
	signature, err = a.signing.Key.Sign(rand.Reader, sum(h, message), h)
	return signature, algorithm, err
}
