package witness

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"proctor/event"
)

// MaxProof is how many hashes a request may have.
const MaxProof = 63

// MaxRequest bounds a request, in bytes.
const MaxRequest = 64 << 10

// Request asks to cosign a checkpoint.
type Request struct {
	Old        uint64       // entries below the checkpoint that the witness cosigned before; 0 is none
	Proof      []event.Hash // that it is a beginning, RFC 6962 section 2.1.2
	Checkpoint string       // a signed note
}

// Encode is the body of the request.
func (r Request) Encode() []byte {
	var b bytes.Buffer
	_, _ = fmt.Fprintf(&b, "old %d\n", r.Old)
	for _, h := range r.Proof {
		b.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
	}
	b.WriteString("\n" + r.Checkpoint)
	return b.Bytes()
}

// ParseRequest reads what Encode writes, for witnesses.
func ParseRequest(b []byte) (r Request, err error) {
	if len(b) > MaxRequest {
		return r, fmt.Errorf("request of %d bytes, at most %d are allowed", len(b), MaxRequest)
	}
	head, checkpoint, ok := strings.Cut(string(b), "\n\n")
	if !ok {
		return r, errors.New("no empty line before the checkpoint")
	}
	lines := strings.Split(head, "\n")
	size, ok := strings.CutPrefix(lines[0], "old ")
	if r.Old, err = parseSize(size); !ok || err != nil {
		return r, fmt.Errorf("first line %q: expected old and a size", lines[0])
	}
	if len(lines)-1 > MaxProof {
		return r, fmt.Errorf("proof of %d hashes, at most %d are allowed", len(lines)-1, MaxProof)
	}
	for _, line := range lines[1:] {
		h, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(h) != len(event.Hash{}) {
			return r, fmt.Errorf("proof line %q is not a hash in base64", line)
		}
		r.Proof = append(r.Proof, event.Hash(h))
	}
	r.Checkpoint = checkpoint
	return r, nil
}

// parseSize reads a decimal without leading zeros.
func parseSize(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || strconv.FormatUint(n, 10) != text {
		return 0, fmt.Errorf("%q is not a size", text)
	}
	return n, nil
}
