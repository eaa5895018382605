package ledger

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"proctor/event"
)

func FuzzParseEntry(f *testing.F) {
	public := []byte(`{"v":1,"id":"01a208ea-ce65-710f-8736-5bc06791115b"}`)
	good := string(appendEntry(nil, stored{7, clock().Add(1500 * time.Nanosecond), 3, public}))
	f.Add([]byte(good))
	for _, bad := range []string{"", "{}", good + " ", " " + good, good[:len(good)-1], strings.Replace(good, `"index":7`, `"index":07`, 1),
		strings.Replace(good, "2026", "20a6", 1), strings.Replace(good, "-23T", "-33T", 1), strings.Replace(good, `"v":1`, `"v":2`, 1), strings.Replace(good, `"index":7`, `"index":18446744073709551616`, 1)} {
		f.Add([]byte(bad))
		if _, err := parseEntry([]byte(bad)); err == nil {
			f.Errorf("accepted %q", bad)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseEntry(b)
		if err != nil {
			return
		}
		if again := appendEntry(nil, s); !bytes.Equal(again, b) {
			t.Fatalf("entry %q is written as %q", b, again)
		}
		_, _ = parseHeadOf(s.public)
	})
}

// FuzzScanHead: whatever the fast way reads, the strict way reads the same.
func FuzzScanHead(f *testing.F) {
	for _, e := range append(supervised("s"), output("s", 9), prompt("s", 0, "<&>\n\"")) {
		e.Turn, e.Cause, e.Trace, e.Span = "turn", e.ID, strings.Repeat("a", 32), strings.Repeat("b", 16)
		enc := encode(f, e)
		f.Add(enc.Public)
		h, ok := scanHead(enc.Public)
		if !ok || h.ID != e.ID || h.Kind != e.Kind || h.Session != e.Session || h.Seq != e.Seq || h.Call != e.Call {
			f.Errorf("%s is read as %+v, %t", enc.Public, h, ok)
		}
	}
	second := encode(f, prompt("s", 1, "x")).Public
	f.Add([]byte(strings.TrimSuffix(string(second), "}") + `,"id":"01a208ea-ce65-710f-8736-5bc06791115b","payload":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		fast, ok := scanHead(b)
		if !ok {
			return
		}
		strict, err := event.ParseHead(b)
		if err != nil || !json.Valid(b) {
			return // what lies between is only found by decoding it
		}
		if fast.ID != strict.ID || fast.Kind != strict.Kind || fast.Session != strict.Session || fast.Seq != strict.Seq || fast.Call != strict.Call {
			t.Fatalf("%s is read as %+v and as %+v", b, fast, strict)
		}
	})
}
