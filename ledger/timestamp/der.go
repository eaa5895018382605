package timestamp

import (
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
)

// ErrMalformed means that bytes are not what they should be an encoding of.
var ErrMalformed = errors.New("not a time-stamp in DER")

// elements takes what a SEQUENCE or SET holds, one after the other. The decoder of structs in encoding/asn1 passes over elements that it was
// not told of; this does not. The first error stays, and then everything taken is empty.
type elements struct {
	what string // for errors
	rest []byte
	err  error
}

func (e *elements) fail(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf("%w: %s: %s", ErrMalformed, e.what, fmt.Sprintf(format, args...))
	}
	e.rest = nil
}

// next is any element.
func (e *elements) next() (raw asn1.RawValue) {
	if e.err != nil {
		return raw
	}
	rest, err := asn1.Unmarshal(e.rest, &raw)
	if err != nil {
		e.fail("%v", err)
		return asn1.RawValue{}
	}
	e.rest = rest
	return raw
}

// take is an element of a universal type.
func (e *elements) take(tag int) asn1.RawValue {
	raw := e.next()
	if e.err == nil && !is(raw, asn1.ClassUniversal, tag) {
		e.fail("found class %d tag %d, expected tag %d", raw.Class, raw.Tag, tag)
		return asn1.RawValue{}
	}
	return raw
}

// optional is an element, if it comes next.
func (e *elements) optional(class, tag int) (raw asn1.RawValue, ok bool) {
	if e.err != nil || len(e.rest) == 0 {
		return raw, false
	}
	if _, err := asn1.Unmarshal(e.rest, &raw); err != nil || !is(raw, class, tag) {
		return asn1.RawValue{}, false
	}
	return e.next(), true
}

// is compares type and form: SEQUENCE and SET are compound, other universal types are not.
func is(raw asn1.RawValue, class, tag int) bool {
	if raw.Class != class || raw.Tag != tag {
		return false
	}
	return class != asn1.ClassUniversal || raw.IsCompound == (tag == asn1.TagSequence || tag == asn1.TagSet)
}

// within takes what an element of a universal type holds.
func (e *elements) within(tag int, what string) *elements {
	raw := e.take(tag)
	return &elements{what: what, rest: raw.Bytes, err: e.err}
}

// explicit takes what [tag] EXPLICIT holds.
func (e *elements) explicit(tag int, what string) *elements {
	raw := e.next()
	if e.err == nil && (!is(raw, asn1.ClassContextSpecific, tag) || !raw.IsCompound) {
		e.fail("found class %d tag %d, expected [%d]", raw.Class, raw.Tag, tag)
	}
	return &elements{what: what, rest: raw.Bytes, err: e.err}
}

func (e *elements) value(tag int, into any) {
	raw := e.take(tag)
	if e.err != nil {
		return
	}
	if _, err := asn1.Unmarshal(raw.FullBytes, into); err != nil {
		e.fail("%v", err)
	}
}

func (e *elements) oid() (id asn1.ObjectIdentifier) { e.value(asn1.TagOID, &id); return id }

func (e *elements) octets() []byte { return e.take(asn1.TagOctetString).Bytes }

// maxInteger bounds an integer, in bytes: serial numbers have 160 bits (RFC 3161 section 2.4.2), nonces here 64.
const maxInteger = 33

func (e *elements) integer() *big.Int {
	n := new(big.Int)
	if e.value(asn1.TagInteger, &n); n.BitLen() > 8*maxInteger {
		e.fail("an integer of %d bits", n.BitLen())
	}
	return n
}

// number expects a small integer, a version.
func (e *elements) number(want int64) {
	if n := e.integer(); e.err == nil && n.Cmp(big.NewInt(want)) != 0 {
		e.fail("version %s, expected %d", n, want)
	}
}

// end expects nothing more, also of those within.
func (e *elements) end() error {
	if e.err == nil && len(e.rest) > 0 {
		e.fail("%d bytes too many", len(e.rest))
	}
	return e.err
}

// algorithm is an AlgorithmIdentifier.
type algorithm struct {
	id         asn1.ObjectIdentifier
	parameters asn1.RawValue // empty when absent
}

func (e *elements) algorithm(what string) (a algorithm) {
	in := e.within(asn1.TagSequence, what)
	a.id = in.oid()
	if in.err == nil && len(in.rest) > 0 {
		a.parameters = in.next()
	}
	if err := in.end(); err != nil && e.err == nil {
		e.err = err
	}
	return a
}

// plain is true without parameters, or with NULL.
func (a algorithm) plain() bool {
	return len(a.parameters.FullBytes) == 0 || is(a.parameters, asn1.ClassUniversal, asn1.TagNull) && len(a.parameters.Bytes) == 0
}

// der begins reading one whole encoding.
func der(b []byte, limit int, what string) *elements {
	e := &elements{what: what, rest: b}
	if len(b) > limit {
		e.fail("more than %d bytes", limit)
	}
	return e
}
