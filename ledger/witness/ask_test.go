package witness_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"proctor/event"
	"proctor/ledger"
	"proctor/ledger/attestor"
	"proctor/ledger/ledgertest"
	"proctor/ledger/witness"
	"proctor/ledger/witnesstest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/cockroachdb/pebble/v2.(*ConcurrencyLimitScheduler).periodicGranter"),
		goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"), goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"),
		goleak.IgnoreTopFunction("internal/poll.runtime_pollWait")) // connections kept for the next question
}

func start(t *testing.T, name string, logs ...string) *witnesstest.Witness {
	t.Helper()
	w, err := witnesstest.Start(name, logs...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

func ask(t *testing.T, l *ledger.Ledger, w *witnesstest.Witness) (witness.Result, error) {
	t.Helper()
	return witness.Ask(t.Context(), l, w.URL, []*ledger.Witness{w.Key})
}

func TestCosignaturesAreStoredAndChecked(t *testing.T) {
	dir := t.TempDir()
	l := ledgertest.Open(t, dir)
	w, other := start(t, "witness.example/w1", l.PublicKey()), start(t, "witness.example/w2", l.PublicKey())
	if _, err := ask(t, l, w); !errors.Is(err, attestor.ErrUnsigned) {
		t.Fatalf("an empty ledger: %v", err)
	}
	for round, n := range []int{1, 1, 300, 700} { // proofs of every kind
		ledgertest.Record(t, l, "s", 1+[]int{0, 1, 2, 302}[round], n)
		r, err := ask(t, l, w)
		if err != nil || r.Size != l.Tree().Size || len(r.Cosignatures) != 1 || r.Cosignatures[0].Witness != "witness.example/w1" || r.Already {
			t.Fatalf("round %d: %+v %v", round, r, err)
		}
		if time.Since(r.Cosignatures[0].Time) > time.Hour {
			t.Errorf("cosigned at %v", r.Cosignatures[0].Time)
		}
	}
	if r, err := ask(t, l, w); err != nil || !r.Already || len(r.Cosignatures) != 1 {
		t.Fatalf("again: %+v %v", r, err)
	}
	if _, asked := w.Seen(l.Origin()); asked != 4 {
		t.Errorf("asked %d times", asked)
	}
	both := []*ledger.Witness{w.Key, other.Key}
	if r := ledgertest.Verify(t, l, ledger.VerifyOptions{Witnesses: both, Quorum: 1}); !r.OK || r.Cosigned != 1002 || len(r.Cosignatures) != 1 || r.CosignaturesChecked != 5 {
		t.Errorf("one of two: %+v", r)
	}
	r := ledgertest.Verify(t, l, ledger.VerifyOptions{Witnesses: both, Quorum: 2})
	if got := ledgertest.Codes(r.Findings, ledger.SeverityError); r.OK || !slices.Equal(got, []string{ledger.CodeWitnessQuorum}) {
		t.Errorf("two wanted, one there: %v %+v", got, r)
	}
	if _, err := ask(t, l, other); err != nil {
		t.Fatal(err)
	}
	if r := ledgertest.Verify(t, l, ledger.VerifyOptions{Witnesses: both, Quorum: 2, OpenFor: time.Nanosecond}); !r.OK || r.Cosigned != 1002 || len(r.Cosignatures) != 2 {
		t.Errorf("two of two: %+v", r)
	}
	if r := ledgertest.Verify(t, l, ledger.VerifyOptions{}); !r.OK || r.Cosigned != 0 || !slices.Contains(ledgertest.Codes(r.Findings, ledger.SeverityNote), ledger.CodeCosignatureStrange) {
		t.Errorf("without keys: %+v", r)
	}

	// The evidence file carries them, also when more was recorded since.
	ledgertest.Record(t, l, "later", 1, 3)
	r = ledgertest.Verify(t, l, ledger.VerifyOptions{Witnesses: both, Quorum: 2})
	if got := ledgertest.Codes(r.Findings, ledger.SeverityWarning); !r.OK || !slices.Equal(got, []string{ledger.CodeWitnessQuorum}) {
		t.Errorf("just recorded: %v %+v", got, r)
	}
	r = ledgertest.Verify(t, l, ledger.VerifyOptions{Witnesses: both, Quorum: 2, OpenFor: time.Nanosecond})
	if got := ledgertest.Codes(r.Findings, ledger.SeverityError); r.OK || !slices.Equal(got, []string{ledger.CodeWitnessQuorum}) {
		t.Errorf("recorded long ago: %v %+v", got, r)
	}
	var file bytes.Buffer
	if _, err := l.Evidence(t.Context(), &file, "s", ledger.EvidenceOptions{}); err != nil {
		t.Fatal(err)
	}
	check := func(text string, quorum int) ledger.EvidenceReport {
		r, err := ledger.VerifyEvidence(strings.NewReader(text), ledger.EvidenceChecks{PublicKey: l.PublicKey(), Witnesses: both, Quorum: quorum})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := check(file.String(), 2); !r.OK || len(r.Cosignatures) != 2 || len(r.Cosigners) != 2 {
		t.Errorf("evidence: %+v", r)
	}
	if r := check(file.String(), 3); r.OK {
		t.Error("three of two witnesses cosigned")
	}
	if r := check(forged(t, file.String(), "witness.example/w2 "), 0); r.OK {
		t.Errorf("a forged cosignature: %+v", r)
	}
}

// forged flips a bit of the signature of one cosigner, and not of its key's number: what somebody unknown signed is passed over.
func forged(t *testing.T, file, name string) string {
	t.Helper()
	_, rest, _ := strings.Cut(file, "\u2014 "+name)
	signature, _, _ := strings.Cut(rest, `\n`)
	b, err := base64.StdEncoding.DecodeString(signature)
	if err != nil || len(b) == 0 {
		t.Fatalf("%q: %v", signature, err)
	}
	b[len(b)-1] ^= 1
	return strings.ReplaceAll(file, signature, base64.StdEncoding.EncodeToString(b))
}

func TestWhatAWitnessRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		fault witnesstest.Fault
		known bool
		want  error
		says  string
	}{
		"unknown log":     {witnesstest.Fault{}, false, witness.ErrRefused, "404"},
		"unknown key":     {witnesstest.Fault{Status: http.StatusForbidden}, true, witness.ErrRefused, "does not trust the key"},
		"unreadable":      {witnesstest.Fault{Status: http.StatusBadRequest, Body: "\x1b[2J"}, true, witness.ErrRefused, `\x1b[2J`},
		"proof":           {witnesstest.Fault{Status: http.StatusUnprocessableEntity}, true, witness.ErrFork, "no beginning"},
		"moved":           {witnesstest.Fault{Status: http.StatusMovedPermanently}, true, witness.ErrRefused, "301"},
		"busy":            {witnesstest.Fault{Status: http.StatusServiceUnavailable, Body: strings.Repeat("x", 1<<20)}, true, witness.ErrRefused, "more than"},
		"another text":    {witnesstest.Fault{Forge: true}, true, ledger.ErrCosignature, "does not hold"},
		"endless answer":  {witnesstest.Fault{Body: strings.Repeat("x", 1<<20)}, true, witness.ErrRefused, "more than"},
		"many signatures": {witnesstest.Fault{Body: strings.Repeat("\u2014 x AAAAAAAA\n", 600)}, true, ledger.ErrCosignature, "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := ledgertest.Open(t, t.TempDir())
			ledgertest.Record(t, l, "s", 1, 5)
			w := start(t, "w")
			if tt.known {
				if err := w.Trust(l.PublicKey()); err != nil {
					t.Fatal(err)
				}
			}
			w.Set(tt.fault)
			for range 2 { // the second failure in a row is not stored
				if _, err := ask(t, l, w); !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
					t.Fatalf("got %v, want %v with %q", err, tt.want, tt.says)
				}
			}
			all, err := l.Witnessed()
			if err != nil || len(all) != 1 || all[0].Error == "" || all[0].Fork != errors.Is(tt.want, witness.ErrFork) {
				t.Errorf("stored %+v %v", all, err)
			}
			want := ledger.CodeWitnessFailed
			if all[0].Fork {
				want = ledger.CodeWitnessFork
			}
			if r := ledgertest.Verify(t, l, ledger.VerifyOptions{}); !r.OK || !slices.Equal(ledgertest.Codes(r.Findings, ledger.SeverityWarning), []string{want}) {
				t.Errorf("report %+v", r)
			}
			w.Set(witnesstest.Fault{})
			if err := w.Trust(l.PublicKey()); err != nil {
				t.Fatal(err)
			}
			if _, err := ask(t, l, w); err != nil {
				t.Fatalf("when it is well again: %v", err)
			}
			if r := ledgertest.Verify(t, l, ledger.VerifyOptions{}); len(ledgertest.Codes(r.Findings, ledger.SeverityWarning)) != 0 {
				t.Errorf("when it is well again: %+v", r)
			}
		})
	}
	t.Run("hangs", func(t *testing.T) {
		l := ledgertest.Open(t, t.TempDir())
		ledgertest.Record(t, l, "s", 1, 5)
		w := start(t, "w", l.PublicKey())
		w.Set(witnesstest.Fault{Hang: true})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := witness.Ask(ctx, l, w.URL, []*ledger.Witness{w.Key}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("strange key", func(t *testing.T) {
		l := ledgertest.Open(t, t.TempDir())
		ledgertest.Record(t, l, "s", 1, 5)
		w, other := start(t, "w", l.PublicKey()), start(t, "w")
		if _, err := witness.Ask(t.Context(), l, w.URL, []*ledger.Witness{other.Key}); !errors.Is(err, ledger.ErrCosignature) {
			t.Errorf("got %v", err)
		}
		if r, err := ask(t, l, w); err != nil || r.Size != 5 { // it is asked again although it cosigned that size
			t.Errorf("with its key: %+v %v", r, err)
		}
	})
}

// TestAForkIsSeen lets two copies of a ledger, with one key, go on differently, and one be cut off.
func TestAForkIsSeen(t *testing.T) {
	dir := t.TempDir()
	one := ledgertest.Open(t, dir)
	ledgertest.Record(t, one, "s", 1, 5)
	copied, err := ledger.Backup(t.Context(), dir, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	two := ledgertest.Open(t, copied.Dir)
	w := start(t, "w", one.PublicKey())
	if _, err := ask(t, one, w); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(t, two, w); err != nil { // the same tree; it asks without knowing what the witness saw
		t.Fatal(err)
	}
	ledgertest.Record(t, one, "a", 1, 7)
	ledgertest.Record(t, two, "b", 1, 7)
	if _, err := ask(t, one, w); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(t, two, w); !errors.Is(err, witness.ErrFork) || !strings.Contains(err.Error(), "another tree") {
		t.Errorf("two trees of one size: %v", err)
	}
	ledgertest.Record(t, two, "b", 8, 1)
	if _, err := ask(t, two, w); !errors.Is(err, witness.ErrFork) || !strings.Contains(err.Error(), "no beginning") {
		t.Errorf("a longer one: %v", err)
	}
	ledgertest.Record(t, one, "a", 8, 10)
	if _, err := ask(t, one, w); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(t, two, w); !errors.Is(err, witness.ErrFork) || !strings.Contains(err.Error(), "22 entries, 13 are here") {
		t.Errorf("a shorter one: %v", err)
	}
}

func TestBesideAnOwnerAndAfterARotation(t *testing.T) {
	dir := t.TempDir()
	l := ledgertest.Open(t, dir)
	ledgertest.Record(t, l, "s", 1, 5)
	w := start(t, "w", l.PublicKey())
	beside, err := ledger.OpenReadOnly(dir, ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer beside.Close()
	if _, err := ask(t, beside, w); err != nil {
		t.Fatalf("beside an owner: %v", err)
	}
	if r := ledgertest.Verify(t, l, ledger.VerifyOptions{Witnesses: []*ledger.Witness{w.Key}}); r.Cosigned != 5 {
		t.Errorf("the owner sees %+v", r)
	}
	old, next, err := l.PrepareKey()
	if err != nil {
		t.Fatal(err)
	}
	p := &event.KeyRotatedPayload{Old: old, New: next}
	e := &event.Event{ID: event.NewID(), Kind: p.Kind(), Schema: 1, Session: "system", Time: time.Now(), Actor: event.User, Payload: p}
	if _, err := l.Append(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(t, l, w); err != nil {
		t.Fatalf("the checkpoint that both keys signed: %v", err)
	}
	ledgertest.Record(t, l, "s", 6, 1)
	if _, err := ask(t, l, w); !errors.Is(err, witness.ErrRefused) || !strings.Contains(err.Error(), "403") {
		t.Errorf("a witness that does not know the new key: %v", err)
	}
	if err := w.Trust(next); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(t, l, w); err != nil {
		t.Fatal(err)
	}
	if r := ledgertest.Verify(t, l, ledger.VerifyOptions{Witnesses: []*ledger.Witness{w.Key}, Quorum: 1}); !r.OK || r.Cosigned != 7 {
		t.Errorf("report %+v", r)
	}
}

func TestKeysOfWitnesses(t *testing.T) {
	w := start(t, "witness.example/w1")
	text := w.Key.String()
	if again, err := ledger.ParseWitness(text + "\n"); err != nil || again.String() != text {
		t.Errorf("%v %v", again, err)
	}
	for _, bad := range []string{"", "x", "a+b", "a+00000000+" + text[strings.LastIndex(text, "+")+1:], strings.Replace(text, "+", " ", 1), "proctor/00a78fe0+93f7cb80+Aa8cFZrVpY15lyqssT1WiLfUFJCAFl532CHiFewMW6fl"} {
		if _, err := ledger.ParseWitness(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if _, err := ledger.ParseWitnesses([]string{text, text}); err == nil {
		t.Error("one witness counts twice")
	}
	for _, bad := range []string{"", "witness.example", "ftp://w.example/", "https://", "https://w.example/?q", "https://w.example/#f"} {
		if _, err := witness.CheckURL(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestTheTextThatIsSigned(t *testing.T) {
	l := ledgertest.Open(t, t.TempDir())
	ledgertest.Record(t, l, "s", 1, 2)
	c := l.LastCheckpoint()
	text, err := ledger.CheckpointText(c.Note, l.PublicKey())
	if err != nil || text != fmt.Sprintf("%s\n2\n%s\n", l.Origin(), strings.Split(c.Note, "\n")[2]) {
		t.Errorf("%q %v", text, err)
	}
}

func FuzzParseRequest(f *testing.F) {
	f.Add([]byte("old 0\n\nx\n1\ny\n\n"))
	f.Add(witness.Request{Old: 7, Proof: []event.Hash{{1}, {2}}, Checkpoint: "a\n\nb"}.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := witness.ParseRequest(b)
		if err == nil && !bytes.Equal(r.Encode(), b) {
			t.Errorf("%q was read from %q", r.Encode(), b)
		}
	})
}
