package timestamp

import (
	"crypto/sha256"
	"encoding/asn1"
	"math/big"
)

// MaxRequest bounds a request, in bytes.
const MaxRequest = 1 << 10

// imprint is a MessageImprint, RFC 3161 section 2.4.1.
type imprint struct {
	Algorithm struct {
		ID   asn1.ObjectIdentifier
		Null asn1.RawValue
	}
	Hash []byte
}

// BuildRequest asks for a token over the SHA-256 hash of data, with the certificate of the authority in it: TimeStampReq, RFC 3161 section 2.4.1.
// The nonce is random for each request; it ties the answer to it.
func BuildRequest(data []byte, nonce uint64) ([]byte, error) {
	hash := sha256.Sum256(data)
	m := imprint{Hash: hash[:]}
	m.Algorithm.ID, m.Algorithm.Null = oidSHA256, asn1.NullRawValue
	return asn1.Marshal(struct {
		Version  int
		Imprint  imprint
		Nonce    *big.Int
		CertsToo bool
	}{1, m, new(big.Int).SetUint64(nonce), true})
}

// Request is what an authority reads.
type Request struct {
	Imprint [sha256.Size]byte
	Nonce   *big.Int
}

// ParseRequest reads what BuildRequest writes, for authorities in tests; it takes no request of another form.
func ParseRequest(b []byte) (r Request, err error) {
	top := der(b, MaxRequest, "TimeStampReq")
	in := top.within(asn1.TagSequence, top.what)
	in.number(1)
	r.Imprint = in.imprint()
	r.Nonce = in.integer()
	if certs := in.take(asn1.TagBoolean); in.err == nil && (len(certs.Bytes) != 1 || certs.Bytes[0] != 0xff) {
		in.fail("certReq is not true")
	}
	if err := in.end(); err != nil {
		return Request{}, err
	}
	return r, top.end()
}

// imprint takes a MessageImprint by SHA-256, the only one that is asked for.
func (e *elements) imprint() (hash [sha256.Size]byte) {
	in := e.within(asn1.TagSequence, "MessageImprint")
	a := in.algorithm("hashAlgorithm")
	b := in.octets()
	if in.err == nil && (!a.id.Equal(oidSHA256) || !a.plain() || len(b) != len(hash)) {
		in.fail("algorithm %s with %d bytes, expected SHA-256 with %d", a.id, len(b), len(hash))
	}
	if err := in.end(); err != nil {
		e.err = err
		return hash
	}
	return [sha256.Size]byte(b)
}
