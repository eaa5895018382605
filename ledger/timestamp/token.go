package timestamp

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"time"
)

// Token is a TimeStampToken, RFC 3161 section 2.4.2. What it says is the authority's only after Verify.
type Token struct {
	Raw     []byte    // its DER
	Time    time.Time // genTime, UTC
	Policy  string    // object identifier of the rules that the authority follows
	Serial  *big.Int
	Imprint [sha256.Size]byte
	Nonce   *big.Int          // nil without one
	Signer  *x509.Certificate // which the signature must be by

	certificates []*x509.Certificate // all of the token
	info         []byte              // TSTInfo
	attributes   []byte              // the signed ones, as the signature covers them
	hash         crypto.Hash         // of info and attributes
	signing      algorithm
	signature    []byte
}

var (
	oidSignedData  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}         // RFC 5652 section 5.1
	oidTSTInfo     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}  // RFC 3161 section 2.4.2
	oidContentType = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}         // RFC 5652 section 11.1
	oidDigest      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}         // RFC 5652 section 11.2
	oidSigningCert = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 12} // RFC 2634 section 5.4
	oidSigningTwo  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47} // RFC 5816 section 2.2.1
	oidExtKeyUsage = asn1.ObjectIdentifier{2, 5, 29, 37}
)

// Bounds of what a token may hold.
const (
	maxCertificates = 16
	maxAttributes   = 32
	maxAlgorithms   = 8
)

// ParseToken reads a token by itself.
func ParseToken(b []byte) (*Token, error) {
	t := &Token{Raw: bytes.Clone(b)}
	top := der(t.Raw, MaxResponse, "ContentInfo")
	content := top.within(asn1.TagSequence, top.what) // RFC 5652 section 3
	if id := content.oid(); content.err == nil && !id.Equal(oidSignedData) {
		content.fail("content of type %s, expected signed data", id)
	}
	box := content.explicit(0, "content")
	in := box.within(asn1.TagSequence, "SignedData")
	in.number(3) // RFC 5652 section 5.1: the content is not plain data
	algorithms := t.algorithms(in)
	t.content(in)
	t.certs(in)
	in.optional(asn1.ClassContextSpecific, 1)        // lists of revocations: not read
	signers := in.within(asn1.TagSet, "SignerInfos") // exactly one, RFC 3161 section 2.4.2
	used := t.signerInfo(signers)
	for _, err := range []error{signers.end(), in.end(), box.end(), content.end(), top.end()} {
		if err != nil {
			return nil, err
		}
	}
	for _, a := range algorithms {
		if a.id.Equal(used.id) {
			if err := t.tstInfo(); err != nil {
				return nil, err
			}
			return t, nil
		}
	}
	in.fail("the digest algorithm %s of the signer is not among those of the message", used.id)
	return nil, in.err
}

func (t *Token) algorithms(in *elements) (all []algorithm) {
	set := in.within(asn1.TagSet, "DigestAlgorithmIdentifiers")
	for set.err == nil && len(set.rest) > 0 {
		if all = append(all, set.algorithm("digestAlgorithm")); len(all) > maxAlgorithms {
			set.fail("more than %d", maxAlgorithms)
		}
	}
	in.join(set)
	return all
}

// content is EncapsulatedContentInfo, RFC 5652 section 5.2.
func (t *Token) content(in *elements) {
	seq := in.within(asn1.TagSequence, "EncapsulatedContentInfo")
	if id := seq.oid(); seq.err == nil && !id.Equal(oidTSTInfo) { // RFC 3161 section 2.4.2
		seq.fail("content of type %s, expected TSTInfo", id)
	}
	box := seq.explicit(0, "eContent")
	t.info = box.octets()
	in.join(box)
	in.join(seq)
}

// certs are there because they were asked for, RFC 3161 section 2.4.1, certReq.
func (t *Token) certs(in *elements) {
	raw, _ := in.optional(asn1.ClassContextSpecific, 0)
	set := &elements{what: "CertificateSet", rest: raw.Bytes}
	for set.err == nil && len(set.rest) > 0 {
		c, err := x509.ParseCertificate(set.take(asn1.TagSequence).FullBytes)
		if err != nil {
			set.fail("%v", err)
			break
		}
		if t.certificates = append(t.certificates, c); len(t.certificates) > maxCertificates {
			set.fail("more than %d certificates", maxCertificates)
		}
	}
	in.join(set)
}

// signerInfo reads a SignerInfo, RFC 5652 section 5.3, and returns its digest algorithm.
func (t *Token) signerInfo(signers *elements) algorithm {
	in := signers.within(asn1.TagSequence, "SignerInfo")
	version := in.integer()
	if key, ok := in.optional(asn1.ClassContextSpecific, 0); ok {
		t.find(func(c *x509.Certificate) bool {
			return !key.IsCompound && len(key.Bytes) > 0 && bytes.Equal(c.SubjectKeyId, key.Bytes)
		})
		in.version(version, 3)
	} else {
		name := in.within(asn1.TagSequence, "IssuerAndSerialNumber")
		issuer, serial := name.take(asn1.TagSequence), name.integer()
		in.join(name)
		t.find(func(c *x509.Certificate) bool {
			return bytes.Equal(c.RawIssuer, issuer.FullBytes) && c.SerialNumber.Cmp(serial) == 0
		})
		in.version(version, 1)
	}
	if in.err == nil && t.Signer == nil {
		in.fail("the certificate of the signer is not in the token")
	}
	digest := in.algorithm("digestAlgorithm")
	if t.hash = digest.hash(); in.err == nil && t.hash == 0 {
		in.fail("digest algorithm %s, expected SHA-256, SHA-384 or SHA-512", digest.id)
	}
	attributes := in.next()
	if in.err == nil && (!is(attributes, asn1.ClassContextSpecific, 0) || !attributes.IsCompound) {
		in.fail("no signed attributes") // RFC 5652 section 5.3: they must be there, as the content is not plain data
	}
	t.attributes = bytes.Clone(attributes.FullBytes)
	t.signing = in.algorithm("signatureAlgorithm")
	t.signature = in.octets()
	in.optional(asn1.ClassContextSpecific, 1) // not signed: not read
	signers.join(in)
	if signers.err == nil {
		t.attributes[0] = 0x20 | asn1.TagSet // RFC 5652 section 5.4: the signature covers them as a SET
	}
	return digest
}

func (t *Token) find(match func(*x509.Certificate) bool) {
	for _, c := range t.certificates {
		if match(c) {
			t.Signer = c
			return
		}
	}
}

// version is 1 with the name of the issuer and 3 with the id of the key, RFC 5652 section 5.3.
func (e *elements) version(n *big.Int, want int64) {
	if e.err == nil && n.Cmp(big.NewInt(want)) != 0 {
		e.fail("version %s, expected %d", n, want)
	}
}

// join ends what was within.
func (e *elements) join(within *elements) {
	if err := within.end(); err != nil && e.err == nil {
		e.err, e.rest = err, nil
	}
}
