package timestamp

import (
	"encoding/asn1"
	"fmt"
	"strings"
	"time"
)

// tstInfo reads what is signed, RFC 3161 section 2.4.2.
func (t *Token) tstInfo() error {
	top := der(t.info, MaxResponse, "TSTInfo")
	in := top.within(asn1.TagSequence, top.what)
	in.number(1)
	t.Policy = in.oid().String()
	t.Imprint = in.imprint()
	t.Serial = in.integer()
	when := in.take(asn1.TagGeneralizedTime)
	if in.err == nil {
		var err error
		if t.Time, err = parseTime(string(when.Bytes)); err != nil {
			in.fail("%v", err)
		}
	}
	in.optional(asn1.ClassUniversal, asn1.TagSequence) // accuracy: not read
	in.optional(asn1.ClassUniversal, asn1.TagBoolean)  // ordering: says how tokens of one authority compare
	if in.err == nil && len(in.rest) > 0 {
		var next asn1.RawValue
		if _, err := asn1.Unmarshal(in.rest, &next); err == nil && is(next, asn1.ClassUniversal, asn1.TagInteger) {
			t.Nonce = in.integer()
		}
	}
	in.optional(asn1.ClassContextSpecific, 0) // tsa: a hint, the certificate says it
	if raw, ok := in.optional(asn1.ClassContextSpecific, 1); ok {
		extensions := &elements{what: "Extensions", rest: raw.Bytes}
		for extensions.err == nil && len(extensions.rest) > 0 {
			one := extensions.within(asn1.TagSequence, "Extension")
			id := one.oid()
			if _, critical := one.optional(asn1.ClassUniversal, asn1.TagBoolean); critical && one.err == nil {
				one.fail("extension %s is critical, and not known here", id) // RFC 5280 section 4.2
			}
			one.octets()
			extensions.join(one)
		}
		in.join(extensions)
	}
	top.join(in)
	return top.end()
}

// parseTime reads genTime by RFC 3161 section 2.4.2: UTC to the second or finer, without zeros at the end of a fraction.
func parseTime(text string) (time.Time, error) {
	const layout = "20060102150405"
	digits, ok := strings.CutSuffix(text, "Z")
	whole, fraction, fine := strings.Cut(digits, ".")
	if !ok || len(whole) != len(layout) || fine && (fraction == "" || len(fraction) > 9 || strings.HasSuffix(fraction, "0") || strings.Trim(fraction, "0123456789") != "") {
		return time.Time{}, fmt.Errorf("genTime %q: expected YYYYMMDDhhmmss[.s...]Z", text)
	}
	at, err := time.Parse(layout, digits)
	if err != nil {
		return time.Time{}, fmt.Errorf("genTime %q: expected YYYYMMDDhhmmss[.s...]Z", text)
	}
	return at.UTC(), nil
}
