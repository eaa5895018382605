package ledger

import (
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/mod/sumdb/note"
)

// Names under the keys directory.
const (
	signingFile  = "signing"     // Ed25519 seed, 64 hex digits
	verifierFile = "signing.pub" // note verifier key, for auditors
	masterFile   = "master"      // AES-256 key, 64 hex digits
)

// keys of one ledger.
type keys struct {
	signer   note.Signer
	verifier note.Verifier
	public   string // the verifier key in its text form
	master   cipher.AEAD
	index    []byte // hides the words of the search index
}

// loadKeys reads the keys and makes those that do not exist. Losing the master key erases all
// content; losing the signing key ends the log's identity.
func loadKeys(fs vfs.FS, dir string) (keys, error) {
	if err := mkdir(fs, dir); err != nil {
		return keys{}, fmt.Errorf("create key directory: %w", err)
	}
	seed, made, err := loadSecret(fs, fs.PathJoin(dir, signingFile))
	if err != nil {
		return keys{}, err
	}
	k, err := newSigningKeys(seed)
	if err != nil {
		return keys{}, err
	}
	if made {
		if err := writeFile(fs, fs.PathJoin(dir, verifierFile), k.public+"\n", true); err != nil {
			return keys{}, fmt.Errorf("write verifier key: %w", err)
		}
	}
	master, _, err := loadSecret(fs, fs.PathJoin(dir, masterFile))
	if err != nil {
		return keys{}, err
	}
	mac := hmac.New(sha256.New, master)
	_, _ = mac.Write([]byte("proctor search index key v1"))
	k.index = mac.Sum(nil)
	k.master, err = newAEAD(master)
	return k, err
}

// loadSecret reads 32 bytes, or makes them when the file does not exist.
func loadSecret(fs vfs.FS, path string) (secret []byte, made bool, err error) {
	b, err := readFile(fs, path, 256)
	if errors.Is(err, os.ErrNotExist) {
		secret = make([]byte, 32)
		_, _ = rand.Read(secret)
		if err := writeFile(fs, path, hex.EncodeToString(secret)+"\n", true); err != nil {
			return nil, false, fmt.Errorf("write key %q: %w", path, err)
		}
		return secret, true, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read key %q: %w", path, err)
	}
	secret, err = hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(secret) != 32 {
		return nil, false, fmt.Errorf("key %q does not hold 64 hex digits; restore it from a backup", path)
	}
	return secret, false, nil
}

// newSigningKeys derives the log's name from its key: proctor/ and 8 hex digits of the public key's digest.
func newSigningKeys(seed []byte) (keys, error) {
	private := ed25519.NewKeyFromSeed(seed)
	public := private.Public().(ed25519.PublicKey)
	digest := sha256.Sum256(public)
	name := "proctor/" + hex.EncodeToString(digest[:4])
	text, err := note.NewEd25519VerifierKey(name, public)
	if err != nil {
		return keys{}, fmt.Errorf("make verifier key: %w", err)
	}
	verifier, err := note.NewVerifier(text)
	if err != nil {
		return keys{}, fmt.Errorf("make verifier: %w", err)
	}
	// The text form of a note signer key: PRIVATE+KEY+name+id+base64(algorithm 1, seed).
	signer, err := note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", name, verifier.KeyHash(),
		base64.StdEncoding.EncodeToString(append([]byte{1}, seed...))))
	if err != nil {
		return keys{}, fmt.Errorf("make signer: %w", err)
	}
	return keys{signer: signer, verifier: verifier, public: text}, nil
}

// PublicKey is the note verifier key of the ledger: all that an auditor needs to check checkpoints.
func (l *Ledger) PublicKey() string { return l.keys.public }

// Origin is the first line of every checkpoint, and the name of the key.
func (l *Ledger) Origin() string { return l.keys.verifier.Name() }
