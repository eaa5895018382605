package timestamp

import (
	"bytes"
	"crypto"
	"crypto/sha1" //nolint:gosec // RFC 3161 section 2.4.2 names certificates by it
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"
)

var (
	// ErrForeign means that a token is about something else than was asked.
	ErrForeign = errors.New("the time-stamp is of something else")
	// ErrForged means that no authority signed a token as it is.
	ErrForged = errors.New("the time-stamp does not hold")
	// ErrChain means that no root which is trusted vouches for the authority.
	ErrChain = errors.New("the authority's certificate does not lead to a trusted root")
)

// Answers compares the nonce with the one of the request, RFC 3161 section 2.4.2.
func (t *Token) Answers(nonce uint64) error {
	if t.Nonce == nil || t.Nonce.Cmp(new(big.Int).SetUint64(nonce)) != 0 {
		return fmt.Errorf("%w: its nonce is %v, %d was sent", ErrForeign, t.Nonce, nonce)
	}
	return nil
}

// Verify checks that the token is of data, ErrForeign, and that the certificate in it signed it and may, ErrForged.
func (t *Token) Verify(data []byte) error {
	if got := sha256.Sum256(data); got != t.Imprint {
		return fmt.Errorf("%w: its imprint is %x, expected %x", ErrForeign, t.Imprint, got)
	}
	for _, check := range []func() error{t.signedAttributes, t.signedBy, t.maySign} {
		if err := check(); err != nil {
			return fmt.Errorf("%w: %w", ErrForged, err)
		}
	}
	return nil
}

func (t *Token) signedBy() error {
	if err := checkSignature(t.Signer.PublicKey, t.signing, t.hash, t.attributes, t.signature); err != nil { // RFC 5652 section 5.6
		return fmt.Errorf("its signature: %w", err)
	}
	return nil
}

// maySign holds the certificate to RFC 3161 section 2.3, and to the time that it signed.
func (t *Token) maySign() error {
	c := t.Signer
	critical := false
	for _, e := range c.Extensions {
		critical = critical || e.Id.Equal(oidExtKeyUsage) && e.Critical
	}
	switch {
	case !critical || len(c.UnknownExtKeyUsage) > 0 || len(c.ExtKeyUsage) != 1 || c.ExtKeyUsage[0] != x509.ExtKeyUsageTimeStamping:
		return errors.New("its certificate is not for time-stamping: expected a critical extended key usage of that and nothing else")
	case c.KeyUsage != 0 && c.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0: // RFC 5280 section 4.2.1.12
		return errors.New("the key usage of its certificate does not allow signatures")
	case t.Time.Before(c.NotBefore) || t.Time.After(c.NotAfter):
		return fmt.Errorf("its certificate is valid from %s to %s, it was signed for %s", c.NotBefore.Format(time.RFC3339), c.NotAfter.Format(time.RFC3339), t.Time.Format(time.RFC3339))
	}
	return nil
}

// signedAttributes checks that they are about the time in the token and the certificate in it.
func (t *Token) signedAttributes() error {
	values, err := t.readAttributes()
	if err != nil {
		return err
	}
	kind, digest := values[oidContentType.String()], values[oidDigest.String()]
	if kind == nil || digest == nil { // RFC 5652 section 5.3
		return errors.New("content type or message digest is not signed")
	}
	if id := kind.oid(); kind.end() != nil || !id.Equal(oidTSTInfo) { // RFC 5652 section 11.1
		return fmt.Errorf("the content type %s is signed", id)
	}
	d := t.hash.New()
	d.Write(t.info)
	if got := digest.octets(); digest.end() != nil || !bytes.Equal(got, d.Sum(nil)) { // RFC 5652 sections 5.4 and 11.2
		return errors.New("another message digest is signed: what it says was changed")
	}
	return t.names(values[oidSigningCert.String()], values[oidSigningTwo.String()])
}

// readAttributes gives the value of each attribute. Those that matter have one value and are there once, RFC 5652 sections 11.1 and
// 11.2; so it asks that of all.
func (t *Token) readAttributes() (map[string]*elements, error) {
	values := map[string]*elements{}
	set := der(t.attributes, MaxResponse, "SignedAttributes").within(asn1.TagSet, "SignedAttributes")
	for set.err == nil && len(set.rest) > 0 {
		one := set.within(asn1.TagSequence, "Attribute")
		id := one.oid().String()
		in := one.within(asn1.TagSet, "AttributeValue")
		value := in.next()
		one.join(in)
		set.join(one)
		if values[id] != nil || len(values) == maxAttributes {
			set.fail("attribute %s is there twice, or there are more than %d", id, maxAttributes)
		}
		values[id] = &elements{what: "AttributeValue", rest: value.FullBytes}
	}
	return values, set.end()
}

// names compares the certificate with its hash among the attributes, which must be there: RFC 3161 section 2.4.2 by SHA-1, RFC 5816 section 2.2.1
// by another hash. The first is that of the signer.
func (t *Token) names(one, two *elements) error {
	if one == nil && two == nil {
		return errors.New("it does not sign which certificate it is by")
	}
	for _, value := range []*elements{one, two} {
		if value == nil {
			continue
		}
		list := value.within(asn1.TagSequence, "SigningCertificate").within(asn1.TagSequence, "ESSCertIDs")
		in := list.within(asn1.TagSequence, "ESSCertID")
		want := sha1.Sum(t.Signer.Raw) //nolint:gosec // see above
		sum := want[:]
		if value == two {
			h := crypto.SHA256
			if raw, ok := in.optional(asn1.ClassUniversal, asn1.TagSequence); ok {
				h = (&elements{what: in.what, rest: raw.FullBytes}).algorithm("hashAlgorithm").hash()
			}
			if h == 0 {
				return errors.New("it names its certificate by an unknown hash")
			}
			d := h.New()
			d.Write(t.Signer.Raw)
			sum = d.Sum(nil)
		}
		if got := in.octets(); in.err != nil || !bytes.Equal(got, sum) {
			return errors.New("it names another certificate than the one in it")
		}
	}
	return nil
}

// Chain checks that the certificate leads to one of the roots, with those in the token between, as of the time of the token; nil are the roots of
// the system. It returns the subject of the root. The error is ErrChain.
func (t *Token) Chain(roots *x509.CertPool) (root string, err error) {
	between := x509.NewCertPool()
	for _, c := range t.certificates {
		between.AddCert(c)
	}
	chains, err := t.Signer.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: t.Time, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}})
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrChain, err)
	}
	chain := chains[0]
	return chain[len(chain)-1].Subject.String(), nil
}

// Authority is the subject of the certificate.
func (t *Token) Authority() string { return t.Signer.Subject.String() }
