package ledger

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"proctor/event"
)

// Content is encrypted under a data key of its session, which is wrapped by the master key.
const (
	dataKeySize = 32
	nonceSize   = 12
	keyLabel    = "proctor session key v1\x00"
)

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// appendSealed appends nonce and ciphertext.
func appendSealed(dst []byte, key cipher.AEAD, plain, bound []byte) []byte {
	var nonce [nonceSize]byte
	_, _ = rand.Read(nonce[:]) // never fails since Go 1.24
	dst = append(dst, nonce[:]...)
	return key.Seal(dst, nonce[:], plain, bound)
}

func open(key cipher.AEAD, sealed, bound []byte) ([]byte, error) {
	return openIn(nil, key, sealed, bound)
}

// openIn appends the text to dst.
func openIn(dst []byte, key cipher.AEAD, sealed, bound []byte) ([]byte, error) {
	if len(sealed) < nonceSize {
		return nil, fmt.Errorf("ciphertext of %d bytes is shorter than its nonce: %w", len(sealed), ErrDamaged)
	}
	plain, err := key.Open(dst, sealed[:nonceSize], sealed[nonceSize:], bound)
	if err != nil {
		return nil, fmt.Errorf("decrypt: %w: %w", err, ErrDamaged)
	}
	return plain, nil
}

// appendBound appends the associated data of content: a ciphertext only opens at its own place.
func appendBound(dst []byte, id event.ID, index event.Seq) []byte {
	return binary.BigEndian.AppendUint64(append(dst, id...), uint64(index))
}

// newDataKey makes a session's key and its wrapped form.
func newDataKey(master cipher.AEAD, session string) (cipher.AEAD, []byte, error) {
	var key [dataKeySize]byte
	_, _ = rand.Read(key[:])
	aead, err := newAEAD(key[:])
	if err != nil {
		return nil, nil, err
	}
	return aead, appendSealed(nil, master, key[:], []byte(keyLabel+session)), nil
}

// loadDataKey returns nil when the session has no key: nothing sensitive was stored, or it was erased.
func loadDataKey(db pebble.Reader, master cipher.AEAD, session string) (cipher.AEAD, error) {
	wrapped, err := get(db, nameKey(prefixKey, session))
	if err != nil || wrapped == nil {
		return nil, err
	}
	key, err := open(master, wrapped, []byte(keyLabel+session))
	if err != nil {
		return nil, fmt.Errorf("data key of session %s: %w", session, err)
	}
	return newAEAD(key)
}
