package timestamp

import (
	"encoding/asn1"
	"errors"
	"fmt"
	"strings"
)

// MaxResponse bounds an answer, in bytes: a token with four certificates has about 8 KiB.
const MaxResponse = 32 << 10

// ErrRejected means that the authority answered, and gave no token.
var ErrRejected = errors.New("the authority gave no token")

// statuses are those of PKIStatus, RFC 3161 section 2.4.2. Only the first is taken: what is asked for leaves nothing to modify.
var statuses = []string{"granted", "granted with modifications", "rejection", "waiting", "revocation warning", "revocation"}

// failures are the bits of PKIFailureInfo, RFC 3161 section 2.4.2.
var failures = map[int]string{
	0: "it does not know the algorithm", 2: "it does not allow the request", 5: "it cannot read the request", 14: "its time source is not available",
	15: "it does not know the policy", 16: "it does not know the extension", 17: "it lacks information", 25: "its system failed",
}

// ParseResponse reads the answer of an authority, a TimeStampResp of RFC 3161 section 2.4.2. The token in it is not verified.
func ParseResponse(b []byte) (*Token, error) {
	top := der(b, MaxResponse, "TimeStampResp")
	in := top.within(asn1.TagSequence, top.what)
	status := in.within(asn1.TagSequence, "PKIStatusInfo")
	code := status.integer()
	var said []string
	if text, ok := status.optional(asn1.ClassUniversal, asn1.TagSequence); ok {
		texts := &elements{what: "PKIFreeText", rest: text.Bytes}
		for texts.err == nil && len(texts.rest) > 0 {
			said = append(said, string(texts.take(asn1.TagUTF8String).Bytes))
		}
		if texts.err != nil {
			status.err = texts.err
		}
	}
	var info asn1.BitString
	if status.err == nil && len(status.rest) > 0 {
		status.value(asn1.TagBitString, &info)
	}
	if err := status.end(); err != nil {
		return nil, err
	}
	if !code.IsInt64() || code.Int64() != 0 {
		return nil, rejected(code.String(), said, info)
	}
	var token asn1.RawValue
	if token = in.take(asn1.TagSequence); in.err == nil && len(in.rest) > 0 {
		in.fail("%d bytes too many", len(in.rest))
	}
	if in.err != nil {
		return nil, in.err
	}
	if err := top.end(); err != nil {
		return nil, err
	}
	return ParseToken(token.FullBytes)
}

func rejected(status string, said []string, info asn1.BitString) error {
	var why []string
	for i, name := range statuses {
		if status == fmt.Sprint(i) {
			why = append(why, name)
		}
	}
	for bit := range info.BitLength {
		if info.At(bit) == 1 && failures[bit] != "" {
			why = append(why, failures[bit])
		}
	}
	if text := strings.Join(said, " "); text != "" {
		why = append(why, fmt.Sprintf("it says %.200q", text))
	}
	return fmt.Errorf("%w: status %s: %s", ErrRejected, status, strings.Join(why, ", "))
}
