package ledger

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Witness is the public key of a witness, which cosigns checkpoints as C2SP tlog-cosignature says, version 1: Ed25519 over the text
// of a checkpoint and a time. It implements note.Verifier.
type Witness struct {
	name string
	id   uint32
	key  ed25519.PublicKey
	text string
}

// algCosignature is the first byte of such a key.
const algCosignature = 4

// ParseWitness reads a verifier key in its text form, name+id+base64.
func ParseWitness(vkey string) (*Witness, error) {
	vkey = strings.TrimSpace(vkey)
	name, rest, _ := strings.Cut(vkey, "+")
	id, data, ok := strings.Cut(rest, "+")
	if !ok || name == "" || strings.ContainsAny(name, " \n\t") {
		return nil, fmt.Errorf("witness key %q: expected name+id+base64", vkey)
	}
	b, err := base64.StdEncoding.Strict().DecodeString(data)
	switch {
	case err != nil || len(b) < 1:
		return nil, fmt.Errorf("witness key %q: what follows the id is not base64", vkey)
	case b[0] != algCosignature || len(b) != 1+ed25519.PublicKeySize:
		return nil, fmt.Errorf("witness key %q has type %d with %d bytes; expected an Ed25519 cosignature key, type %d with %d", vkey, b[0], len(b)-1, algCosignature, ed25519.PublicKeySize)
	}
	w := NewWitness(name, b[1:])
	if w.text != name+"+"+strings.ToLower(id)+"+"+data {
		return nil, fmt.Errorf("witness key %q: its id does not fit it, expected %08x", vkey, w.id)
	}
	return w, nil
}

// NewWitness names the Ed25519 key of a witness.
func NewWitness(name string, key ed25519.PublicKey) *Witness {
	typed := append([]byte{algCosignature}, key...)
	digest := sha256.Sum256(append([]byte(name+"\n"), typed...))
	w := &Witness{name: name, id: binary.BigEndian.Uint32(digest[:]), key: key}
	w.text = fmt.Sprintf("%s+%08x+%s", name, w.id, base64.StdEncoding.EncodeToString(typed))
	return w
}

// ParseWitnesses reads several, and refuses one that is there twice: it would count as two.
func ParseWitnesses(vkeys []string) ([]*Witness, error) {
	var out []*Witness
	for _, text := range vkeys {
		w, err := ParseWitness(text)
		if err != nil {
			return nil, err
		}
		for _, other := range out {
			if bytes.Equal(other.key, w.key) {
				return nil, fmt.Errorf("witness key %q is given twice", w.text)
			}
		}
		out = append(out, w)
	}
	return out, nil
}

// Name implements note.Verifier.
func (w *Witness) Name() string { return w.name }

// KeyHash implements note.Verifier.
func (w *Witness) KeyHash() uint32 { return w.id }

// String is the text form of the key.
func (w *Witness) String() string { return w.text }

// cosignatureSize is a time in seconds and an Ed25519 signature.
const cosignatureSize = 8 + ed25519.SignatureSize

// Verify implements note.Verifier.
func (w *Witness) Verify(text, sig []byte) bool {
	if len(sig) != cosignatureSize || sig[0]&0x80 != 0 {
		return false
	}
	return ed25519.Verify(w.key, cosigned(binary.BigEndian.Uint64(sig), text), sig[8:])
}

// cosigned is what a witness signs.
func cosigned(seconds uint64, text []byte) []byte {
	return append([]byte("cosignature/v1\ntime "+strconv.FormatUint(seconds, 10)+"\n"), text...)
}

// Cosign makes the signature line of a witness below the text of a checkpoint, the part of its note that is signed. For witnesses.
func Cosign(w *Witness, key ed25519.PrivateKey, text string, now time.Time) string {
	seconds := uint64(max(now.Unix(), 0))
	sig := binary.BigEndian.AppendUint32(nil, w.id)
	sig = binary.BigEndian.AppendUint64(sig, seconds)
	sig = append(sig, ed25519.Sign(key, cosigned(seconds, []byte(text)))...)
	return "\u2014 " + w.name + " " + base64.StdEncoding.EncodeToString(sig) + "\n"
}

// Cosignature is a witness's word that it saw a checkpoint, and that it goes on from those that it saw before.
type Cosignature struct {
	Witness string    `json:"witness"`
	Key     string    `json:"key"`
	Time    time.Time `json:"time"` // by the clock of the witness
}

// cosignatures finds those of witnesses in a signed note. bad are the witnesses whose signatures in it do not hold.
func cosignatures(signed string, witnesses []*Witness) (good []Cosignature, bad []string) {
	for _, w := range witnesses {
		n, err := note.Open([]byte(signed), note.VerifierList(w))
		var invalid *note.InvalidSignatureError
		switch {
		case errors.As(err, &invalid):
			bad = append(bad, w.name)
		case err == nil:
			sig, _ := base64.StdEncoding.DecodeString(n.Sigs[0].Base64)                                                   // checked by Open: the key's id and then what Verify took
			good = append(good, Cosignature{w.name, w.text, time.Unix(int64(binary.BigEndian.Uint64(sig[4:])), 0).UTC()}) //nolint:gosec // below 2^63
		}
	}
	return good, bad
}

// signers names whoever signed a note, besides the one that the checkpoint is of, unchecked.
func signers(signed string) (names []string) {
	text, _, _ := strings.Cut(signed, "\n")
	_, lines, _ := strings.Cut(signed, "\n\n")
	for line := range strings.Lines(lines) {
		if f := strings.Fields(line); len(f) == 3 && f[1] != text {
			names = append(names, f[1])
		}
	}
	return names
}

// withLines adds signature lines to a note, each once.
func withLines(signed, lines string) string {
	for line := range strings.Lines(lines) {
		if strings.HasPrefix(line, "\u2014 ") && strings.HasSuffix(line, "\n") && !strings.Contains(signed, line) {
			signed += line
		}
	}
	return signed
}
