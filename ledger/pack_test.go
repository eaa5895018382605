package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The dictionary is part of the format: contents that were packed with another one cannot be read.
func TestTheDictionaryIsThatOfTheFormat(t *testing.T) {
	t.Parallel()
	digest := sha256.Sum256(dictionary1)
	if got := hex.EncodeToString(digest[:]); got != dictionary1Digest {
		t.Errorf("content.dict has SHA-256 %s; a changed dictionary is a new one, with a number and a format of its own", got)
	}
}

func TestPackedContentComesBack(t *testing.T) {
	t.Parallel()
	noise := make([]byte, 300)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	var scratch []byte
	for name, content := range map[string][]byte{
		"short": []byte(`{"prompt":{"salt":"AAAAAAAAAAAAAAAAAAAAAA==","text":"go on"}}`), "repeating": encode(t, output("s", 1)).Content,
		"noise": append([]byte{'{'}, noise...), "looks packed": {packed1, 2, 3}, "other": []byte("x"), "large": []byte("{" + strings.Repeat("abcdefgh", 1<<18) + "}"),
	} {
		packed := pack(content)
		var got []byte
		var err error
		if got, scratch, err = unpack(packed, scratch); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: %d bytes of %d come back, %v", name, len(got), len(content), err)
		}
		if len(packed) > len(content) && content[0] == '{' {
			t.Errorf("%s: %d bytes became %d", name, len(content), len(packed))
		}
	}
	if got := len(pack(encode(t, output("s", 1)).Content)); got > 100 {
		t.Errorf("repeating output became %d bytes", got)
	}
}

// Whatever repeats how, near or far, within itself or the dictionary: the library reads what is packed here, also at the sizes where ways part.
func TestSmallContentsComeBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		content := []byte{'{'}
		for range rapid.IntRange(0, 40).Draw(rt, "pieces") {
			n := rapid.SampledFrom([]int{1, 3, 4, 7, 8, 11, 12, 59, 60, 61, 64, 65, 67, 68, 72, 73, 255, 256, 257, 263, 264, 327, 328, 329, 2047, 2049}).Draw(rt, "length")
			switch rapid.IntRange(0, 3).Draw(rt, "kind") {
			case 0:
				from := rapid.IntRange(0, len(dictionary1)-1).Draw(rt, "from")
				content = append(content, dictionary1[from:min(from+n, len(dictionary1))]...)
			case 1:
				from := rapid.IntRange(0, len(content)-1).Draw(rt, "from")
				content = append(content, content[from:min(from+n, len(content))]...)
			case 2:
				content = append(content, bytes.Repeat([]byte{byte(n)}, n)...)
			case 3:
				content = append(content, rapid.SliceOfN(rapid.Byte(), n, n).Draw(rt, "noise")...)
			}
		}
		if got, _, err := unpack(pack(content), nil); err != nil || !bytes.Equal(got, content) {
			rt.Fatalf("%d bytes: %v", len(content), err)
		}
	})
}

// FuzzUnpack holds that what cannot be unpacked is damage, and never more than content may be.
func FuzzUnpack(f *testing.F) {
	f.Add([]byte{packed1})
	f.Add([]byte{packed1, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Add(pack([]byte(`{"prompt":{"salt":"AAAAAAAAAAAAAAAAAAAAAA==","text":"go on, go on, go on"}}`)))
	f.Fuzz(func(t *testing.T, plain []byte) {
		got, _, err := unpack(plain, nil)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		if len(got) > max(maxContent, len(plain)) {
			t.Fatalf("%d bytes became %d", len(plain), len(got))
		}
		again, _, err := unpack(pack(got), nil)
		if err != nil || !bytes.Equal(again, got) {
			t.Fatalf("%x: %v", got, err)
		}
	})
}

// dictionary1Digest pins content.dict.
const dictionary1Digest = "37700235d7aa515a0a7a79df58f8cf0b0cf143e7ff907b2ef5e11e5a51314f16"
