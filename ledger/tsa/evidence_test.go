package tsa_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"proctor/event"
	"proctor/ledger"
	"proctor/ledger/ledgertest"
	"proctor/ledger/tsa"
)

// evidenceHead is the part of an evidence file's first line that these tests look at.
type evidenceHead struct {
	Version    int         `json:"proctor_evidence"`
	Session    string      `json:"session"`
	PublicKey  string      `json:"public_key"`
	Checkpoint string      `json:"checkpoint"`
	Timestamps []stampShow `json:"timestamps,omitempty"`
	First      uint64      `json:"first"`
	Entries    uint64      `json:"entries"`
	Content    string      `json:"content"`
}

type stampShow struct {
	Checkpoint string       `json:"checkpoint"`
	Token      []byte       `json:"token"`
	Proof      []event.Hash `json:"proof,omitempty"`
}

// export is the evidence of a session, its first line read.
func export(t *testing.T, l *ledger.Ledger, session string) (head evidenceHead, rest string) {
	t.Helper()
	var b bytes.Buffer
	if _, err := l.Evidence(t.Context(), &b, session, ledger.EvidenceOptions{}); err != nil {
		t.Fatal(err)
	}
	first, rest, _ := strings.Cut(b.String(), "\n")
	if err := json.Unmarshal([]byte(first), &head); err != nil {
		t.Fatal(err)
	}
	return head, rest
}

func (h evidenceHead) with(rest string) string {
	b, _ := json.Marshal(h)
	return string(b) + "\n" + rest
}

func stamp(t *testing.T, l *ledger.Ledger, url string) {
	t.Helper()
	if _, err := tsa.Ask(t.Context(), l, url, nil); err != nil {
		t.Fatal(err)
	}
}

// TestEvidenceCarriesTimestamps makes files of sessions that were time-stamped right after, later, together with others, and not at all.
func TestEvidenceCarriesTimestamps(t *testing.T) {
	l, a := ledgertest.Open(t, t.TempDir()), start(t)
	record := func(session string, n int) { ledgertest.Record(t, l, session, 1, n) }
	record("first", 5)
	if head, _ := export(t, l, "first"); head.Version != 1 || head.Timestamps != nil {
		t.Errorf("before there is one: %+v", head)
	}
	stamp(t, l, a.URL)
	record("second", 300)
	stamp(t, l, a.URL)
	record("third", 2)

	for session, covers := range map[string][]uint64{"first": {5}, "second": {305}, "third": nil} {
		head, rest := export(t, l, session)
		if want := 1 + min(1, len(covers)); head.Version != want {
			t.Errorf("%s: version %d, want %d", session, head.Version, want)
		}
		r, err := ledger.VerifyEvidence(strings.NewReader(head.with(rest)), ledger.EvidenceChecks{PublicKey: l.PublicKey(), TimestampRoots: a.Roots})
		if err != nil || !r.OK || r.Tree.Size != 307 {
			t.Fatalf("%s: %+v %v", session, r, err)
		}
		var got []uint64
		for _, s := range r.Timestamps {
			got = append(got, s.Size)
			if s.Chain != "CN=tsatest root" || s.Authority != "CN=tsatest authority" || s.Time.IsZero() {
				t.Errorf("%s: %+v", session, s)
			}
		}
		if !slices.Equal(got, covers) {
			t.Errorf("%s: time-stamps over %d entries, want %d", session, got, covers)
		}
		byPython(t, head.with(rest), true)
	}

	// Whose root is not known is told, or an error where roots are given.
	head, rest := export(t, l, "first")
	r, err := ledger.VerifyEvidence(strings.NewReader(head.with(rest)), ledger.EvidenceChecks{})
	if err != nil || !r.OK || len(r.Timestamps) != 1 || r.Timestamps[0].Unchained == "" || !slices.Contains(ledgertest.Codes(r.Findings, ledger.SeverityNote), ledger.CodeTimestampChain) {
		t.Errorf("without roots: %+v %v", r, err)
	}
	r, err = ledger.VerifyEvidence(strings.NewReader(head.with(rest)), ledger.EvidenceChecks{TimestampRoots: start(t).Roots})
	if err != nil || r.OK || len(r.Timestamps) != 0 {
		t.Errorf("another root: %+v %v", r, err)
	}

	// The checkpoint of the file is the one that was time-stamped.
	stamp(t, l, a.URL)
	if head, rest := export(t, l, "third"); len(head.Timestamps) != 1 || head.Timestamps[0].Checkpoint != head.Checkpoint || head.Timestamps[0].Proof != nil {
		t.Errorf("at one size: %+v", head.Timestamps)
	} else {
		byPython(t, head.with(rest), true)
	}
}

func TestEvidenceWithAWrongTimestampFails(t *testing.T) {
	l, a := ledgertest.Open(t, t.TempDir()), start(t)
	ledgertest.Record(t, l, "first", 1, 5)
	stamp(t, l, a.URL)
	ledgertest.Record(t, l, "second", 1, 300)
	other := ledgertest.Open(t, t.TempDir())
	ledgertest.Record(t, other, "first", 1, 5)
	stamp(t, other, a.URL)
	ledgertest.Record(t, other, "second", 1, 300)
	foreign, _ := export(t, other, "first")
	second, secondRest := export(t, l, "second")
	for name, tt := range map[string]struct {
		change func(h *evidenceHead)
		code   string
		python bool // it does not look at what was signed
	}{
		"as it is":       {func(*evidenceHead) {}, "", true},
		"the token":      {func(h *evidenceHead) { h.Timestamps[0].Token[len(h.Timestamps[0].Token)-1] ^= 1 }, ledger.CodeTimestampForged, true},
		"no token":       {func(h *evidenceHead) { h.Timestamps[0].Token = nil }, ledger.CodeTimestampDamaged, false},
		"another token":  {func(h *evidenceHead) { h.Timestamps[0].Token = foreign.Timestamps[0].Token }, ledger.CodeTimestampForeign, false},
		"a proof":        {func(h *evidenceHead) { h.Timestamps[0].Proof[0][0] ^= 1 }, ledger.CodeTimestampForeign, false},
		"a proof less":   {func(h *evidenceHead) { h.Timestamps[0].Proof = h.Timestamps[0].Proof[1:] }, ledger.CodeTimestampForeign, false},
		"no proof":       {func(h *evidenceHead) { h.Timestamps[0].Proof = nil }, ledger.CodeTimestampForeign, false},
		"another ledger": {func(h *evidenceHead) { h.Timestamps = foreign.Timestamps }, ledger.CodeTimestampForeign, false},
	} {
		t.Run(name, func(t *testing.T) {
			head, rest := export(t, l, "first")
			tt.change(&head)
			r, err := ledger.VerifyEvidence(strings.NewReader(head.with(rest)), ledger.EvidenceChecks{TimestampRoots: a.Roots})
			got := ledgertest.Codes(r.Findings, ledger.SeverityError)
			if err != nil || r.OK != (tt.code == "") || tt.code != "" && !slices.Equal(got, []string{tt.code}) {
				t.Errorf("%v %+v, want %q", err, r, tt.code)
			}
			byPython(t, head.with(rest), tt.python)
		})
	}

	// One that was made before the entries says nothing about them.
	head, _ := export(t, l, "first")
	second.Version, second.Timestamps = head.Version, head.Timestamps
	r, err := ledger.VerifyEvidence(strings.NewReader(second.with(secondRest)), ledger.EvidenceChecks{TimestampRoots: a.Roots})
	if got := ledgertest.Codes(r.Findings, ledger.SeverityError); err != nil || !slices.Equal(got, []string{ledger.CodeTimestampForeign}) {
		t.Errorf("made before: %v %+v", err, r)
	}
	byPython(t, second.with(secondRest), false)

	head, rest := export(t, l, "first")
	head.Version = 1
	_, err = ledger.VerifyEvidence(strings.NewReader(head.with(rest)), ledger.EvidenceChecks{})
	head.Version, head.Timestamps = 2, slices.Repeat(head.Timestamps, 17)
	_, err2 := ledger.VerifyEvidence(strings.NewReader(head.with(rest)), ledger.EvidenceChecks{})
	if !errors.Is(err, ledger.ErrNoEvidence) || !errors.Is(err2, ledger.ErrNoEvidence) {
		t.Errorf("version 1: %v, seventeen: %v", err, err2)
	}
}

// byPython runs the checker in the documentation, where there is Python.
func byPython(t *testing.T, file string, good bool) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Logf("missing capability: %v", err)
		return
	}
	name := filepath.Join(t.TempDir(), "evidence")
	if err := os.WriteFile(name, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), python, filepath.Join("..", "..", "doc", "verify_evidence.py"), name).CombinedOutput()
	if (err == nil) != good {
		t.Errorf("verify_evidence.py: %v: %s", err, out)
	}
}
