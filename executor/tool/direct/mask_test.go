package direct

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"proctor/executor/sandbox"
)

// However output is cut into pieces, no secret gets through, and nothing else is lost.
func TestMaskedOutputHoldsNoSecret(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[ab]{2,5}[/+ab]{1,4}`).Draw(t, "secret")
		mask := NewMask(Secret("S", secret))
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{secret, "a", "b", "/", "x", base64.StdEncoding.EncodeToString([]byte(secret))}), 0, 12).Draw(t, "text"), "")
		m := &masked{Observer: &heard{}, mask: mask, held: map[sandbox.Stream]string{}}
		var got strings.Builder
		emit := func(_ sandbox.Stream, p []byte) { got.Write(p) }
		for rest := text; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "cut")
			m.output(sandbox.Stdout, []byte(rest[:n]), emit)
			rest = rest[n:]
		}
		m.flush(emit)
		if strings.Contains(got.String(), secret) {
			t.Fatalf("%q became %q with secret %q", text, got.String(), secret)
		}
		if plain := strings.ReplaceAll(text, secret, ""); !strings.Contains(text, secret) && mask.Find([]byte(text)) == "" && got.String() != plain {
			t.Fatalf("%q became %q", text, got.String())
		}
	})
}

func TestAMaskPrintsNoSecret(t *testing.T) {
	t.Parallel()
	mask := NewMask(Secret("S", "hidden-value"))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		c := New(Options{Secrets: []Named{Secret("S", "hidden-value")}, Mask: mask})
		if s := fmt.Sprintf(verb, *mask) + fmt.Sprintf(verb, *c); strings.Contains(s, "hidden-value") || strings.Contains(s, fmt.Sprintf("%x", "hidden-value")) {
			t.Errorf("%s prints %s", verb, s)
		}
	}
	if got := mask.Text("a hidden-value b"); got != "a [S] b" {
		t.Errorf("got %q", got)
	}
}
