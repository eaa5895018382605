package tsa_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"proctor/ledger"
	"proctor/ledger/attestor"
	"proctor/ledger/ledgertest"
	"proctor/ledger/timestamp"
	"proctor/ledger/tsa"
	"proctor/ledger/tsatest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/cockroachdb/pebble/v2.(*ConcurrencyLimitScheduler).periodicGranter"),
		goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"), goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"),
		goleak.IgnoreTopFunction("internal/poll.runtime_pollWait")) // connections kept for the next question
}

func start(t *testing.T) *tsatest.Authority {
	t.Helper()
	a, err := tsatest.Start(tsatest.Signing{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func TestTimestampsAreStoredAndChecked(t *testing.T) {
	l, a := ledgertest.Open(t, t.TempDir()), start(t)
	if _, err := tsa.Ask(t.Context(), l, a.URL, a.Roots); !errors.Is(err, attestor.ErrUnsigned) {
		t.Fatalf("an empty ledger: %v", err)
	}
	ledgertest.Record(t, l, "one", 1, 3)
	first, err := tsa.Ask(t.Context(), l, a.URL, a.Roots)
	if err != nil || first.Size != 3 || first.Already || first.Chain != "CN=tsatest root" || first.Authority != "CN=tsatest authority" || first.Note != l.LastCheckpoint().Note {
		t.Fatalf("%+v %v", first, err)
	}
	again, err := tsa.Ask(t.Context(), l, a.URL, a.Roots)
	if err != nil || !again.Already || !bytes.Equal(again.Token, first.Token) || a.Asked() != 1 {
		t.Fatalf("again: %+v %v, asked %d times", again, err, a.Asked())
	}
	ledgertest.Record(t, l, "two", 1, 300)
	if r, err := tsa.Ask(t.Context(), l, a.URL, nil); err != nil || r.Size != 303 || r.Chain != "" || !strings.Contains(r.Unchained, "does not lead to a trusted root") {
		t.Fatalf("by the system's roots: %+v %v", r, err)
	}
	if r := ledgertest.Verify(t, l, ledger.VerifyOptions{TimestampRoots: a.Roots}); !r.OK || r.TimestampsChecked != 2 || len(r.Timestamps) != 1 || r.Timestamps[0].Size != 303 || r.Timestamps[0].Chain != "CN=tsatest root" {
		t.Errorf("%+v", r)
	}
	if r := ledgertest.Verify(t, l, ledger.VerifyOptions{TimestampRoots: nil}); !r.OK || len(r.Timestamps) != 1 || r.Timestamps[0].Chain != "" || !slices.Contains(ledgertest.Codes(r.Findings, ledger.SeverityNote), ledger.CodeTimestampChain) {
		t.Errorf("by the system's roots: %+v", r)
	}
	other := start(t)
	if r := ledgertest.Verify(t, l, ledger.VerifyOptions{TimestampRoots: other.Roots}); r.OK || len(r.Timestamps) != 0 || !slices.Equal(ledgertest.Codes(r.Findings, ledger.SeverityError), []string{ledger.CodeTimestampChain, ledger.CodeTimestampChain}) {
		t.Errorf("by another root: %+v", r)
	}
	since, err := l.Verify(t.Context(), ledger.VerifyOptions{Since: first.Note, TimestampRoots: a.Roots})
	if err != nil || !since.OK || since.TimestampsChecked != 1 {
		t.Errorf("since the first: %+v %v", since, err)
	}
}

func TestWhatIsNotStored(t *testing.T) {
	for name, tt := range map[string]struct {
		fault tsatest.Fault
		want  error
		says  string
	}{
		"status":      {tsatest.Fault{HTTP: http.StatusForbidden}, tsa.ErrRefused, "403 Forbidden"},
		"moved":       {tsatest.Fault{HTTP: http.StatusTemporaryRedirect}, tsa.ErrRefused, "307"},
		"a page":      {tsatest.Fault{Type: "text/html"}, tsa.ErrRefused, "is this the address"},
		"too large":   {tsatest.Fault{Oversized: true}, tsa.ErrRefused, "more than 32768 bytes"},
		"rejection":   {tsatest.Fault{Status: 2}, timestamp.ErrRejected, "rejection"},
		"imprint":     {tsatest.Fault{Imprint: true}, timestamp.ErrForeign, "imprint"},
		"nonce":       {tsatest.Fault{Nonce: true}, timestamp.ErrForeign, "nonce"},
		"changed":     {tsatest.Fault{Later: true}, timestamp.ErrForged, "changed"},
		"usage":       {tsatest.Fault{NoUsage: true}, timestamp.ErrForged, "not for time-stamping"},
		"expired":     {tsatest.Fault{Expired: true}, timestamp.ErrForged, "valid"},
		"trailing":    {tsatest.Fault{Trailing: true}, timestamp.ErrMalformed, "too many"},
		"clock ahead": {tsatest.Fault{Ahead: time.Hour}, timestamp.ErrForeign, "from now"},
		"hangs":       {tsatest.Fault{Hang: true}, context.DeadlineExceeded, "authority http://"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, a := ledgertest.Open(t, t.TempDir()), start(t)
			ledgertest.Record(t, l, "s", 1, 1)
			a.Set(tt.fault)
			ctx := t.Context()
			if tt.fault.Hang {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, 50*time.Millisecond)
				defer cancel()
			}
			_, err := tsa.Ask(ctx, l, a.URL, a.Roots)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %v that says %q", err, tt.want, tt.says)
			}
			if all, err := l.Timestamped(); err != nil || len(all) != 0 {
				t.Errorf("stored: %+v %v", all, err)
			}
		})
	}
	l, a := ledgertest.Open(t, t.TempDir()), start(t)
	ledgertest.Record(t, l, "s", 1, 1)
	if _, err := tsa.Ask(t.Context(), l, a.URL, start(t).Roots); err == nil || !strings.Contains(err.Error(), timestamp.ErrChain.Error()) {
		t.Errorf("another root: %v", err)
	}
	if all, err := l.Timestamped(); err != nil || len(all) != 0 {
		t.Errorf("stored: %+v %v", all, err)
	}
	a.Close()
	for _, address := range []string{"ftp://x", "tsa.example", "http://u:secret@127.0.0.1:1/", "http://u:secret@[", a.URL} {
		if _, err := tsa.Ask(t.Context(), l, address, nil); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// A copy of a ledger that went on differently has the same key: its time-stamps are foreign all the same.
func TestTimestampsOfACopyAreForeign(t *testing.T) {
	dirs, a := []string{t.TempDir(), filepath.Join(t.TempDir(), "copy")}, start(t)
	l := ledgertest.Open(t, dirs[0])
	ledgertest.Record(t, l, "one", 1, 3)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dirs[1], os.DirFS(dirs[0])); err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		l := ledgertest.Open(t, dir)
		ledgertest.Record(t, l, "two", 1, 3)
		if _, err := tsa.Ask(t.Context(), l, a.URL, a.Roots); err != nil {
			t.Fatal(err)
		}
		if r := ledgertest.Verify(t, l, ledger.VerifyOptions{TimestampRoots: a.Roots}); !r.OK || len(r.Timestamps) != 1 {
			t.Errorf("%+v", r)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	other, err := os.ReadFile(filepath.Join(dirs[1], "timestamps"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dirs[0], "timestamps"), other, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	r := ledgertest.Verify(t, ledgertest.Open(t, dirs[0]), ledger.VerifyOptions{TimestampRoots: a.Roots})
	if got := ledgertest.Codes(r.Findings, ledger.SeverityError); r.OK || len(r.Timestamps) != 0 || !slices.Equal(got, []string{ledger.CodeTimestampForeign}) {
		t.Errorf("%v %+v", got, r)
	}
}

// Each thing that can be wrong with a stored token has its code.
func TestVerifyNamesWhatIsWrongWithATimestamp(t *testing.T) {
	dir := t.TempDir()
	l, a := ledgertest.Open(t, dir), start(t)
	ledgertest.Record(t, l, "one", 1, 3)
	one, err := tsa.Ask(t.Context(), l, a.URL, a.Roots)
	if err != nil {
		t.Fatal(err)
	}
	ledgertest.Record(t, l, "two", 1, 3)
	two, err := tsa.Ask(t.Context(), l, a.URL, a.Roots)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := ledgertest.Open(t, t.TempDir())
	ledgertest.Record(t, elsewhere, "one", 1, 3)
	foreign, err := tsa.Ask(t.Context(), elsewhere, a.URL, a.Roots)
	if err != nil {
		t.Fatal(err)
	}
	ledgertest.Record(t, elsewhere, "two", 1, 30)
	ahead, err := tsa.Ask(t.Context(), elsewhere, a.URL, a.Roots)
	if err != nil {
		t.Fatal(err)
	}
	forged := func(f tsatest.Fault) []byte {
		request, err := timestamp.BuildRequest([]byte(one.Note), 1)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := a.Answer(request, f)
		if err != nil {
			t.Fatal(err)
		}
		token, err := timestamp.ParseResponse(answer)
		if err != nil {
			t.Fatal(err)
		}
		return token.Raw
	}
	whole, err := os.ReadFile(filepath.Join(dir, "timestamps"))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		note  string
		size  uint64
		token []byte
		want  string
	}{
		"as it is":              {one.Note, 3, one.Token, ""},
		"cut":                   {one.Note, 3, one.Token[:len(one.Token)-1], ledger.CodeTimestampDamaged},
		"a byte behind":         {one.Note, 3, append(slices.Clone(one.Token), 0), ledger.CodeTimestampDamaged},
		"empty":                 {one.Note, 3, nil, ledger.CodeTimestampDamaged},
		"another size":          {one.Note, 4, one.Token, ledger.CodeTimestampDamaged},
		"of another checkpoint": {one.Note, 3, two.Token, ledger.CodeTimestampForeign},
		"of another ledger":     {foreign.Note, 3, foreign.Token, ledger.CodeTimestampForeign},
		"cut off":               {ahead.Note, 33, ahead.Token, ledger.CodeCheckpointAhead},
		"changed time":          {one.Note, 3, forged(tsatest.Fault{Later: true}), ledger.CodeTimestampForged},
		"not signed":            {one.Note, 3, forged(tsatest.Fault{Signature: true}), ledger.CodeTimestampForged},
		"no authority":          {one.Note, 3, forged(tsatest.Fault{NoUsage: true}), ledger.CodeTimestampForged},
	} {
		line, err := json.Marshal(ledger.Timestamped{Time: time.Now().UTC().Truncate(time.Second), URL: a.URL, Size: tt.size, Note: tt.note, Token: tt.token})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "timestamps"), append(append(line, '\n'), whole...), 0o600); err != nil {
			t.Fatal(err)
		}
		r := ledgertest.Verify(t, l, ledger.VerifyOptions{TimestampRoots: a.Roots})
		if got := strings.Join(ledgertest.Codes(r.Findings, ledger.SeverityError), " "); got != tt.want || r.OK != (tt.want == "") || len(r.Timestamps) != 1 || r.Timestamps[0].Size != 6 {
			t.Errorf("%s: %q, want %q: %+v", name, got, tt.want, r.Findings)
		}
	}
	// A line that is none, and a last one that a crash tore.
	for text, want := range map[string]string{string(whole) + `{"time":"2`: "", "{}\n" + string(whole): ledger.CodeTimestampDamaged, strings.Replace(string(whole), `"token"`, `"Token"`, 1): ledger.CodeTimestampDamaged} {
		if err := os.WriteFile(filepath.Join(dir, "timestamps"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(ledgertest.Codes(ledgertest.Verify(t, l, ledger.VerifyOptions{TimestampRoots: a.Roots}).Findings, ledger.SeverityError), " "); got != want {
			t.Errorf("%.40q: %q, want %q", text, got, want)
		}
	}
}
