package event

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What Encode writes must be read without the general decoder: reading the record depends on it being quick.
func TestEveryKindIsScanned(t *testing.T) {
	t.Parallel()
	for _, c := range Catalog() {
		for name, e := range map[string]*Event{"full": sample(c), "empty": {ID: NewID(), Kind: c.Kind, Schema: c.Schema, Session: "s", Time: time.Now(), Actor: System, Payload: c.New()}} {
			enc, err := Encode(e)
			if err != nil {
				t.Fatal(err)
			}
			p, _ := scan(enc.Public)
			if got := c.New(); !scanPayload(p.Payload, got) {
				t.Errorf("%s, %s: not scanned: %s", c.Kind, name, p.Payload)
			}
			if enc.Content == nil {
				continue
			}
			if _, ok := scanContent(enc.Content, nil, nil); !ok {
				t.Errorf("%s: not scanned: %s", c.Kind, enc.Content)
			}
		}
	}
}

// FuzzScanPayload holds what scanPayload accepts to what the general decoder makes of it.
func FuzzScanPayload(f *testing.F) {
	kinds := Catalog()
	for i, c := range kinds {
		payload, err := json.Marshal(sample(c).Payload)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(i, payload)
		f.Add(i, bytes.ReplaceAll(payload, []byte("text of"), []byte(`\"\u00e9\t/ü`)))
		f.Add(i, bytes.ReplaceAll(payload, []byte("7"), []byte("-0")))
		f.Add(i, bytes.ReplaceAll(payload, []byte("text of"), []byte("\xff\xed\xa0\x80\\ud800")))
	}
	f.Fuzz(func(t *testing.T, kind int, raw []byte) {
		if kind < 0 || kind >= len(kinds) {
			return
		}
		got, want := kinds[kind].New(), kinds[kind].New()
		if !scanPayload(raw, got) {
			return
		}
		if err := strict(raw, want); err != nil {
			t.Fatalf("%q: the general decoder says %v", raw, err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Sensitive{})); diff != "" {
			t.Fatalf("%q:\n%s", raw, diff)
		}
	})
}

// FuzzScanContent holds what scanContent accepts to what the general decoder makes of it.
func FuzzScanContent(f *testing.F) {
	for _, c := range Catalog() {
		if enc, err := Encode(sample(c)); err == nil && enc.Content != nil {
			f.Add(enc.Content)
			f.Add(bytes.ReplaceAll(enc.Content, []byte("secret of"), []byte(`\r\n\\\u0001\u2028ü`)))
			f.Add(bytes.ReplaceAll(enc.Content, []byte(`"text":"secret`), []byte(`"bytes":"AAAA`)))
			f.Add(bytes.ReplaceAll(enc.Content, []byte(`"salt":"`), []byte(`"salt":"A`)))
		}
	}
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, ok := scanContent(b, nil, nil)
		if !ok {
			return
		}
		want, err := parseContent(b)
		if err != nil {
			t.Fatalf("%q: the general decoder says %v", b, err)
		}
		slices.SortFunc(want, func(a, b saltedText) int { return bytes.Compare(a.path, b.path) })
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(saltedText{})); diff != "" && len(want)+len(got) > 0 {
			t.Fatalf("%q:\n%s", b, diff)
		}
	})
}

func TestParseTimeTakesOneForm(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"2026-11-23T09:10:17.724000Z", "0000-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z", "2024-02-29T00:00:00.000001Z",
		"2026-02-29T00:00:00.000000Z", "2026-13-01T00:00:00.000000Z", "2026-00-01T00:00:00.000000Z", "2026-01-00T00:00:00.000000Z",
		"2026-01-01T24:00:00.000000Z", "2026-01-01T00:60:00.000000Z", "2026-01-01T00:00:60.000000Z", "2026-01-01T00:00:00,000000Z",
		"2026-01-01 00:00:00.000000Z", "2026-01-01T00:00:00.000000+", "2026-01-01T00:00:00Z", "", strings.Repeat("x", len(timeLayout)),
	} {
		got, ok := ParseTime(s)
		want, err := time.Parse(timeLayout, s)
		if fits := err == nil && want.Format(timeLayout) == s; ok != fits || ok && !got.Equal(want) {
			t.Errorf("%q: %v, %v; package time says %v, %v", s, got, ok, want, err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	p := &ExecOutputPayload{Stream: "stdout", Chunk: Secret(strings.Repeat("ok  proctor/ledger 0.1s\n", 24))}
	enc, err := Encode(&Event{ID: NewID(), Kind: ExecOutput, Schema: 1, Session: "session", Call: "call_1", Time: time.Now(), Actor: Executor, Payload: p})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(enc); err != nil {
			b.Fatal(err)
		}
	}
}
