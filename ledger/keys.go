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
	nextPrefix   = "signing."    // and the id of a key, which a rotation puts in the place of the first
	masterFile   = "master"      // AES-256 key, 64 hex digits
)

// keys of one ledger. The one that signs changes: see [Ledger.key].
type keys struct {
	seed   []byte // of the signing key that the directory has
	master cipher.AEAD
	index  []byte // hides the words of the search index
}

// signingKey signs checkpoints.
type signingKey struct {
	signer   note.Signer
	verifier note.Verifier
	public   string // the verifier key in its text form
}

// loadKeys reads the keys and makes those that do not exist. Losing the master key erases all
// content; losing the signing key ends the log's identity.
func loadKeys(fs vfs.FS, dir string) (k keys, err error) {
	if err := mkdir(fs, dir); err != nil {
		return keys{}, fmt.Errorf("create key directory: %w", err)
	}
	if k.seed, err = loadSecret(fs, fs.PathJoin(dir, signingFile)); err != nil {
		return keys{}, err
	}
	master, err := loadSecret(fs, fs.PathJoin(dir, masterFile))
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
func loadSecret(fs vfs.FS, path string) (secret []byte, err error) {
	b, err := readFile(fs, path, 256)
	if errors.Is(err, os.ErrNotExist) {
		secret = make([]byte, 32)
		_, _ = rand.Read(secret)
		if err := writeFile(fs, path, hex.EncodeToString(secret)+"\n", true); err != nil {
			return nil, fmt.Errorf("write key %q: %w", path, err)
		}
		return secret, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read key %q: %w", path, err)
	}
	secret, err = hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(secret) != 32 {
		return nil, fmt.Errorf("key %q does not hold 64 hex digits; restore it from a backup", path)
	}
	return secret, nil
}

// newSigningKey makes the key of a log. A log is named after its first key, proctor/ and 8 hex digits of the public key's
// digest; keys that follow keep the name, which is empty for the first.
func newSigningKey(seed []byte, name string) (*signingKey, error) {
	private := ed25519.NewKeyFromSeed(seed)
	public := private.Public().(ed25519.PublicKey)
	if name == "" {
		digest := sha256.Sum256(public)
		name = "proctor/" + hex.EncodeToString(digest[:4])
	}
	text, err := note.NewEd25519VerifierKey(name, public)
	if err != nil {
		return nil, fmt.Errorf("make verifier key: %w", err)
	}
	verifier, err := note.NewVerifier(text)
	if err != nil {
		return nil, fmt.Errorf("make verifier: %w", err)
	}
	// The text form of a note signer key: PRIVATE+KEY+name+id+base64(algorithm 1, seed).
	signer, err := note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", name, verifier.KeyHash(),
		base64.StdEncoding.EncodeToString(append([]byte{1}, seed...))))
	if err != nil {
		return nil, fmt.Errorf("make signer: %w", err)
	}
	return &signingKey{signer: signer, verifier: verifier, public: text}, nil
}

// key is what signs the next checkpoint.
func (l *Ledger) key() *signingKey { return l.signing.Load() }

// PublicKey is the note verifier key that the next checkpoint is signed with: all that an auditor needs to check
// checkpoints. After a rotation it is another one, see [Ledger.Rotations].
func (l *Ledger) PublicKey() string { return l.key().public }

// Origin is the first line of every checkpoint, and the name of all keys.
func (l *Ledger) Origin() string { return l.key().verifier.Name() }
