package redact

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// random letters of an alphabet: what the shapes below are filled with, so that no secret of anybody stands in the source.
func letters(r *rand.Rand, n int, alphabet string) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

const (
	alnum   = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	lower   = "0123456789abcdefghijklmnopqrstuvwxyz"
	upper   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	hexes   = "0123456789abcdef"
	base64s = alnum + "+/"
)

// shapes lists, for each rule, texts in which {…} is the secret; inside it a class and a number stand for random bytes.
func shapes() map[string][]string {
	data, err := os.ReadFile(filepath.Join("testdata", "secrets.txt"))
	if err != nil {
		panic(err)
	}
	out := map[string][]string{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		id, text, _ := strings.Cut(line, " ")
		out[id] = append(out[id], text)
	}
	return out
}

// fill makes a text of a shape, and its secret.
func fill(r *rand.Rand, shape string) (text, secret string) {
	for {
		open := strings.Index(shape, "<")
		if open < 0 {
			break
		}
		end := open + strings.Index(shape[open:], ">")
		class, n := "", 0
		if _, err := fmt.Sscanf(shape[open+1:end], "%s %d", &class, &n); err != nil {
			panic(shape)
		}
		alphabet := map[string]string{"alnum": alnum, "lower": lower, "upper": upper, "hex": hexes, "base64": base64s, "digit": digits}[class]
		shape = shape[:open] + letters(r, n, alphabet) + shape[end+1:]
	}
	shape = strings.NewReplacer(`\n`, "\n", "‹", "<").Replace(shape)
	before, rest, _ := strings.Cut(shape, "«")
	secret, after, _ := strings.Cut(rest, "»")
	return before + secret + after, secret
}

func TestEveryRuleFindsItsShapes(t *testing.T) {
	t.Parallel()
	all := shapes()
	r := rand.New(rand.NewPCG(1, 2))
	rules := Standard()
	for _, rule := range rules.rules {
		if len(all[rule.ID]) == 0 {
			t.Errorf("testdata/secrets.txt has no shape of rule %s", rule.ID)
		}
		for _, shape := range all[rule.ID] {
			for range 20 {
				text, secret := fill(r, shape)
				for _, form := range []struct{ name, text, secret string }{
					{"plain", "before " + text + "\nafter", secret},
					{"JSON", `{"a":"` + quoted(text) + `"}`, quoted(secret)},
					{"JSON in JSON", `{"a":"` + quoted(`{"b":"`+quoted(text)+`"}`) + `"}`, quoted(quoted(secret))},
				} {
					got, receipts := rules.Mask("f", form.text, false, Key("k"))
					if strings.Contains(got, form.secret) || len(receipts) == 0 || strings.Count(got, "[MASKED:"+rule.ID+"]") != 1 {
						t.Errorf("%s, %s: %q became %q", rule.ID, form.name, form.text, got)
						break
					}
					if form.name != "plain" && !json.Valid([]byte(got)) {
						t.Errorf("%s, %s: no longer JSON: %q", rule.ID, form.name, got)
					}
				}
			}
		}
	}
	for id := range all {
		if !strings.Contains(builtIn, "rule "+id+"\n") {
			t.Errorf("testdata/secrets.txt has shapes of %s, which is no rule", id)
		}
	}
}

// What a secret stands behind may end in a letter without being a part of it; a letter that is one makes it another word.
func TestSecretsAreFoundBehindEscapes(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	rules := Standard()
	for _, rule := range rules.rules {
		for _, shape := range shapes()[rule.ID] {
			text, secret := fill(r, shape)
			if !rule.Boundary || !strings.HasPrefix(text, secret) {
				continue
			}
			for _, before := range []string{
				`\n`, `\t`, `\\n`, `\u003c`, `\u001b[31m`, `\\u001b[0m`, "\x1b[01;31m\x1b[K", `\e[1m`, `\033[38;5;196m`, `\x1b[K`, `%3D`, `?key%3d`,
			} {
				whole := "output: " + before + text
				if got, _ := rules.Mask("f", whole, true, nil); !rule.Unsure && strings.Contains(got, secret) {
					t.Errorf("%s: %q became %q", rule.ID, whole, got)
				}
			}
			for _, before := range []string{"n", "x_", `\q0`, "%zz", "[31m"} {
				if got, _ := rules.Mask("f", " "+before+text, true, nil); strings.Contains(got, "MASKED:"+rule.ID) {
					t.Errorf("%s: %q became %q", rule.ID, before+text, got)
				}
			}
		}
	}
}

// Nothing in testdata/harmless, nor in our own go.sum, is a secret.
func TestHarmlessTextsStayAsTheyAre(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob("testdata/harmless/*")
	if len(files) < 8 {
		t.Fatalf("only %d files in the corpus", len(files))
	}
	files = append(files, "../../go.sum", "../../tools/go.sum", "../../go.mod", "../../event/catalog.go", "../../executor/call.go", "../../internal/config/schema.go", "../../doc/events.schema.json")
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		for i, f := range Standard().spans(text, false) {
			if i < 5 {
				t.Errorf("%s: %q is taken for %s", name, text[max(0, f.from-30):f.to], Standard().rules[f.rule].ID)
			}
		}
	}
}

// secretive draws texts in which secrets, halves of secrets, keywords and noise stand side by side.
func secretive(t *rapid.T, all []string) string {
	seed := rapid.Uint64().Draw(t, "seed")
	r := rand.New(rand.NewPCG(seed, 7))
	var b strings.Builder
	for range rapid.IntRange(1, 12).Draw(t, "parts") {
		switch r.IntN(5) {
		case 0, 1:
			text, _ := fill(r, all[r.IntN(len(all))])
			b.WriteString(text)
		case 2:
			text, _ := fill(r, all[r.IntN(len(all))])
			b.WriteString(text[:r.IntN(len(text)+1)])
		case 3:
			b.WriteString(letters(r, r.IntN(600), alnum+" \n\"\\=:/."))
		default:
			rule := Standard().rules[r.IntN(len(Standard().rules))]
			b.WriteString(rule.Keywords[r.IntN(len(rule.Keywords))])
		}
		b.WriteString([]string{" ", "", "", `\n`, `\u001b[31m`, "\x1b[0m", "%3D"}[r.IntN(7)])
	}
	return b.String()
}

// However a text is cut into pieces, the outcome is that of the whole.
func TestPiecesGiveWhatTheWholeGives(t *testing.T) {
	t.Parallel()
	var all []string
	for _, s := range shapes() {
		all = append(all, s...)
	}
	known, _ := NewKnown("DEPLOY", "kn0wn-sekret\"with quote")
	more := []Rule{{ID: "odd", Pattern: `odd[0-9]{4}`, Around: true}, {ID: "acme", Keywords: []string{"acme"}, Pattern: `[a-z]{2,30}acme-[0-9a-f]{8}`, Around: true}}
	rules, err := NewRules(more, known)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := secretive(t, all) + rapid.SampledFrom([]string{"", " odd1234", "xxacme-01234567", "kn0wn-sekret\"with quote"}).Draw(t, "own") + secretive(t, all)
		want, receipts := rules.Mask("f", "x"+text, false, Key("k")) // x: no JSON
		s := rules.Stream("f", false, Key("k"))
		var got strings.Builder
		var own []Receipt
		for rest := "x" + text; rest != ""; {
			n := rapid.IntRange(1, 40).Draw(t, "piece")
			if rapid.Bool().Draw(t, "large") {
				n *= 50
			}
			out, more := s.Write(rest[:min(n, len(rest))])
			rest = rest[min(n, len(rest)):]
			got.WriteString(out)
			own = append(own, more...)
			if s.Held() > maxWindow+maxKeyword+around+lookBehind {
				t.Fatalf("%d bytes are held back", s.Held())
			}
		}
		out, last := s.Flush()
		got.WriteString(out)
		own = append(own, last...)
		if got.String() != want || fmt.Sprint(own) != fmt.Sprint(receipts) {
			t.Fatalf("pieces of %q\n got %q %v\nwant %q %v", text, got.String(), own, want, receipts)
		}
	})
}

func TestReaderAndWriterMaskAcrossBorders(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("noise ", 9000) + "token=" + planted + " end"
	want, _ := Standard().Mask("f", text, false, nil)
	got, err := io.ReadAll(Standard().NewReader(&dribble{text}, nil))
	if err != nil || string(got) != want {
		t.Errorf("reader: %v, %d bytes, want %d", err, len(got), len(want))
	}
	var b strings.Builder
	w := Standard().NewWriter(&b, nil)
	for i := 0; i < len(text); i += 7 {
		if _, err := io.WriteString(w, text[i:min(i+7, len(text))]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil || b.String() != want {
		t.Errorf("writer: %v, %d bytes, want %d", err, b.Len(), len(want))
	}
}

type dribble struct{ rest string }

func (d *dribble) Read(p []byte) (int, error) {
	if d.rest == "" {
		return 0, io.EOF
	}
	n := copy(p[:min(3, len(p))], d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

func TestKnownValuesAreFoundInEveryForm(t *testing.T) {
	t.Parallel()
	const value = "pa\"ss\\wörd & more/+="
	known, ok := NewKnown("NPM_TOKEN", value)
	if !ok {
		t.Fatal("refused")
	}
	rules, err := NewRules(nil, known)
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range append(known.forms(), value) {
		got, receipts := rules.Mask("f", "a "+form+" b", true, nil)
		if got != "a [MASKED:NPM_TOKEN] b" || len(receipts) != 1 {
			t.Errorf("%q became %q", form, got)
		}
	}
	if got, _ := rules.Mask("f", "PA\"ss\\wörd & more/+=", true, nil); strings.Contains(got, "MASKED") {
		t.Errorf("another value was masked: %q", got)
	}
	if _, ok := NewKnown("A", "short"); ok {
		t.Error("a short value was taken")
	}
	if text := fmt.Sprintf("%v %+v %#v", known, known, rules); strings.Contains(text, "wörd") {
		t.Error("a known value is printed")
	}
}

func TestVersionNamesTheRules(t *testing.T) {
	t.Parallel()
	more, err := NewRules([]Rule{{ID: "own", Keywords: []string{"own"}, Pattern: "own"}})
	if err != nil {
		t.Fatal(err)
	}
	again, _ := NewRules([]Rule{{ID: "own", Keywords: []string{"own"}, Pattern: "own"}})
	if more.Version() == Standard().Version() || more.Version() != again.Version() || !strings.HasPrefix(more.Version(), "2026.") {
		t.Errorf("versions %q, %q, %q", Standard().Version(), more.Version(), again.Version())
	}
	for _, bad := range []Rule{{ID: "x y", Pattern: "a"}, {ID: "x", Pattern: "("}, {ID: "x", Pattern: "a", Group: 2}, {ID: "x", Pattern: "a", Check: "none"}, {ID: "x", Pattern: "a", Keywords: []string{""}}, {ID: "x", Pattern: "a", Allow: []string{"["}}} {
		if _, err := NewRules([]Rule{bad}); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}
