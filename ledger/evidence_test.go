package ledger

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"proctor/event"
)

// exported is a ledger with sessions "s" and others around it, and the evidence of "s".
func exported(t testing.TB, o EvidenceOptions) (*Ledger, []byte) {
	t.Helper()
	l := openMem(t)
	appendTest(t, l, prompts("other", 1, 40)...)
	for i, e := range supervised("s") {
		appendTest(t, l, e)
		appendTest(t, l, prompts("other", 41+i, 1)...)
	}
	appendTest(t, l, prompts("later", 1, 300)...)
	var b bytes.Buffer
	if _, err := l.Evidence(t.Context(), &b, "s", o); err != nil {
		t.Fatal(err)
	}
	return l, b.Bytes()
}

func checkEvidence(t testing.TB, file []byte, key string) (EvidenceReport, []event.Entry) {
	t.Helper()
	var entries []event.Entry
	r, err := VerifyEvidence(bytes.NewReader(file), EvidenceChecks{PublicKey: key, Each: func(e event.Entry) error { entries = append(entries, e); return nil }})
	if err != nil {
		t.Fatal(err)
	}
	return r, entries
}

func TestEvidenceProvesASession(t *testing.T) {
	l, file := exported(t, EvidenceOptions{})
	want, err := l.Session(t.Context(), "s", 1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	r, got := checkEvidence(t, file, l.PublicKey())
	if !r.OK || !r.Whole || !r.KeyGiven || r.Content == 0 || r.Absent != 0 || len(r.Findings) != 0 || r.Tree != l.Tree() {
		t.Errorf("got %+v", r)
	}
	texts := func(entries []event.Entry) (out []string) {
		for _, e := range entries {
			b, err := json.Marshal(struct {
				R event.Receipt
				T any
			}{e.Receipt, e.Event})
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, string(b))
		}
		return out
	}
	if d := cmp.Diff(texts(want), texts(got)); d != "" {
		t.Errorf("entries (-ledger +file):\n%s", d)
	}
	if r, _ := checkEvidence(t, file, ""); !r.OK || r.KeyGiven {
		t.Errorf("with the file's own key: %+v", r)
	}
}

func TestEvidenceWithoutContent(t *testing.T) {
	l, file := exported(t, EvidenceOptions{WithoutContent: true})
	r, _ := checkEvidence(t, file, l.PublicKey())
	if !r.OK || !r.Whole || r.Content != 0 || r.Absent == 0 || r.Counts[SeverityNote] != 1 {
		t.Errorf("got %+v", r)
	}
	_, full := exported(t, EvidenceOptions{})
	text := secretText(t, full)
	if bytes.Contains(file, []byte(text)) {
		t.Errorf("%q is in the file", text)
	}
}

// secretText is some sensitive text of an evidence file.
func secretText(t testing.TB, file []byte) string {
	t.Helper()
	for line := range bytes.Lines(file) {
		var e evidenceEntry
		var content map[string]struct{ Text string }
		if json.Unmarshal(line, &e) == nil && json.Unmarshal(e.Content, &content) == nil {
			for _, c := range content {
				if len(c.Text) > 3 {
					return c.Text
				}
			}
		}
	}
	t.Fatal("no sensitive text in the file")
	return ""
}

func TestEvidenceOfOneEntry(t *testing.T) {
	l, _ := exported(t, EvidenceOptions{})
	for _, seq := range []event.Seq{0, 41, event.Seq(l.Tree().Size - 1)} {
		var b bytes.Buffer
		if err := l.EntryEvidence(t.Context(), &b, seq, EvidenceOptions{}); err != nil {
			t.Fatal(err)
		}
		r, entries := checkEvidence(t, b.Bytes(), l.PublicKey())
		if !r.OK || r.Whole || r.Entries != 1 || entries[0].Seq != seq {
			t.Errorf("entry %d: %+v", seq, r)
		}
	}
	if err := l.EntryEvidence(t.Context(), &bytes.Buffer{}, event.Seq(l.Tree().Size), EvidenceOptions{}); err == nil {
		t.Error("an entry that does not exist was proven")
	}
	if _, err := l.Evidence(t.Context(), &bytes.Buffer{}, "nobody", EvidenceOptions{}); !errors.Is(err, ErrUnknownSession) {
		t.Errorf("unknown session: %v", err)
	}
}

func TestEvidenceNamesWhatWasChanged(t *testing.T) {
	l, file := exported(t, EvidenceOptions{})
	var strange bytes.Buffer
	if _, err := l.Evidence(t.Context(), &strange, "other", EvidenceOptions{}); err != nil {
		t.Fatal(err)
	}
	foreign, forged := exported(t, EvidenceOptions{})
	last := func(lines [][]byte) int { return len(lines) - 1 }
	edit := func(i int, from, to string) func([][]byte) [][]byte {
		return func(lines [][]byte) [][]byte {
			if !bytes.Contains(lines[i], []byte(from)) {
				t.Fatalf("line %d has no %s", i, from)
			}
			lines[i] = bytes.Replace(lines[i], []byte(from), []byte(to), 1)
			return lines
		}
	}
	head := readHead(t, file)
	secret, err := json.Marshal(secretText(t, file))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func([][]byte) [][]byte
		code   string
	}{
		"entry":            {edit(2, `\"actor\"`, `\"Actor\"`), CodeProof},
		"entry form":       {edit(2, `{\"v\":1`, `{\"v\": 1`), CodeEntryUnreadable},
		"line":             {edit(3, `"proof"`, `"prove"`), CodeEntryUnreadable},
		"proof":            {func(lines [][]byte) [][]byte { lines[1] = cutProof(t, lines[1]); return lines }, CodeProof},
		"line dropped":     {func(lines [][]byte) [][]byte { return slices.Delete(lines, 2, 3) }, CodeSessionGap},
		"end dropped":      {func(lines [][]byte) [][]byte { return lines[:last(lines)] }, CodeEntryMissing},
		"lines swapped":    {func(lines [][]byte) [][]byte { lines[2], lines[3] = lines[3], lines[2]; return lines }, CodeEntryIndex},
		"line twice":       {func(lines [][]byte) [][]byte { return slices.Insert(lines, 2, lines[1]) }, CodeEntryExtra},
		"other session":    {func(lines [][]byte) [][]byte { lines[2] = bytes.Split(strange.Bytes(), []byte("\n"))[2]; return lines }, CodeOtherSession},
		"other ledger":     {func(lines [][]byte) [][]byte { lines[2] = bytes.Split(forged, []byte("\n"))[2]; return lines }, CodeProof},
		"session renamed":  {edit(0, `"session":"s"`, `"session":"t"`), CodeOtherSession},
		"count":            {edit(0, `"entries":`, `"entries":1`), CodeEntryMissing},
		"key":              {edit(0, head.PublicKey, foreign.PublicKey()), CodeForeignKey},
		"checkpoint":       {edit(0, `\n3`, `\n4`), CodeCheckpointSign},
		"text":             {func(lines [][]byte) [][]byte { return replaceIn(t, lines, string(secret), `"changed"`) }, CodeContentDamaged},
		"second file":      {func(lines [][]byte) [][]byte { return append(lines, lines[1:]...) }, CodeEntryExtra},
		"begins elsewhere": {edit(0, `"first":1`, `"first":2`), CodeSessionGap},
	} {
		t.Run(name, func(t *testing.T) {
			lines := bytes.Split(bytes.TrimSuffix(slices.Clone(file), []byte("\n")), []byte("\n"))
			r, _ := checkEvidence(t, bytes.Join(c.change(lines), []byte("\n")), l.PublicKey())
			if r.OK || r.Whole || !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Code == c.code && f.Severity == SeverityError }) {
				t.Errorf("want %s, got %+v", c.code, r)
			}
		})
	}
}

func readHead(t testing.TB, file []byte) evidenceHead {
	t.Helper()
	first, _, _ := bytes.Cut(file, []byte("\n"))
	var head evidenceHead
	if err := json.Unmarshal(first, &head); err != nil {
		t.Fatal(err)
	}
	return head
}

func cutProof(t testing.TB, line []byte) []byte {
	t.Helper()
	var e evidenceEntry
	if err := json.Unmarshal(line, &e); err != nil {
		t.Fatal(err)
	}
	e.Proof = e.Proof[:len(e.Proof)-1]
	out, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func replaceIn(t testing.TB, lines [][]byte, from, to string) [][]byte {
	t.Helper()
	for i, line := range lines {
		if bytes.Contains(line, []byte(`"text":`+from)) {
			lines[i] = bytes.Replace(line, []byte(`"text":`+from), []byte(`"text":`+to), 1)
			return lines
		}
	}
	t.Fatalf("no line has %s", from)
	return nil
}

// Whatever byte is changed: what still verifies says the same as before.
func TestEvidenceWithAChangedByteSaysTheSameOrFails(t *testing.T) {
	l, file := exported(t, EvidenceOptions{})
	_, want := checkEvidence(t, file, l.PublicKey())
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		changed := slices.Clone(file)
		at := random.IntN(len(changed))
		changed[at] ^= 1 << random.IntN(8)
		var got []event.Entry
		r, err := VerifyEvidence(bytes.NewReader(changed), EvidenceChecks{PublicKey: l.PublicKey(), Each: func(e event.Entry) error { got = append(got, e); return nil }})
		if err != nil || !r.OK {
			continue
		}
		if !slices.EqualFunc(want, got, func(a, b event.Entry) bool { return bytes.Equal(a.Raw, b.Raw) }) {
			t.Fatalf("byte %d changed: verified with other entries", at)
		}
	}
}

func TestEvidenceAfterErasureAndBesideAnOwner(t *testing.T) {
	dir := t.TempDir()
	l := openTest(t, dir, Options{Now: clock})
	for _, e := range supervised("s") {
		appendTest(t, l, e)
	}
	if _, err := l.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	appendTest(t, l, prompts("new", 1, 1)...)
	beside, err := OpenReadOnly(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := beside.Evidence(t.Context(), &b, "s", EvidenceOptions{}); err != nil {
		t.Fatal(err)
	}
	if r, _ := checkEvidence(t, b.Bytes(), l.PublicKey()); !r.Whole {
		t.Errorf("beside an owner: %+v", r)
	}
	if _, err := beside.Evidence(t.Context(), &b, "new", EvidenceOptions{}); !errors.Is(err, ErrUncovered) {
		t.Errorf("without a checkpoint: %v", err)
	}
	if err := beside.Close(); err != nil {
		t.Fatal(err)
	}
	eraseTest(t, l, "s")
	b.Reset()
	if _, err := l.Evidence(t.Context(), &b, "s", EvidenceOptions{}); err != nil {
		t.Fatal(err)
	}
	if r, _ := checkEvidence(t, b.Bytes(), l.PublicKey()); !r.Whole || r.Content != 0 || r.Absent == 0 {
		t.Errorf("after erasure: %+v", r)
	}
}

func TestWhatIsNoEvidence(t *testing.T) {
	_, file := exported(t, EvidenceOptions{})
	for name, text := range map[string]string{
		"empty": "", "text": "hello\n", "other json": "{}\n", "version": strings.Replace(string(file), `"proctor_evidence":1`, `"proctor_evidence":3`, 1),
		"unknown member": strings.Replace(string(file), `"first":1`, `"first":1,"more":1`, 1), "no entries": strings.Replace(string(file), `"first":1`, `"first":0`, 1),
	} {
		if _, err := VerifyEvidence(strings.NewReader(text), EvidenceChecks{}); !errors.Is(err, ErrNoEvidence) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzVerifyEvidence(f *testing.F) {
	_, file := exported(f, EvidenceOptions{})
	f.Add(file)
	lines := bytes.SplitAfter(file, []byte("\n"))
	f.Add(bytes.Join(lines[:3], nil))
	stamped, err := os.ReadFile("testdata/timestamped.evidence")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(stamped)
	f.Add([]byte(`{"proctor_evidence":1,"session":"s","public_key":"","checkpoint":"","first":1,"entries":1,"content":"included"}` + "\n{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := VerifyEvidence(bytes.NewReader(b), EvidenceChecks{})
		if err == nil && r.OK && r.Entries == 0 {
			t.Error("nothing was proven and all is well")
		}
	})
}

// Evidence is kept for years: files of all versions stay readable, and doc/evidence-format.md names these as examples.
func TestEvidenceOfVersion2StaysReadable(t *testing.T) {
	file, err := os.ReadFile("testdata/timestamped.evidence")
	pem, err2 := os.ReadFile("testdata/timestamped.root.pem")
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	r, err := VerifyEvidence(bytes.NewReader(file), EvidenceChecks{PublicKey: "proctor/1141caea+24df7885+ASwRnpCcWoATBwFCC8XkOEP38znOiiB7cf0entjhFgt7", TimestampRoots: roots})
	if err != nil || !r.OK || r.Content != 3 || r.Tree.Size != 36 || len(r.Timestamps) != 1 || r.Timestamps[0].Size != 6 || r.Timestamps[0].Chain != "CN=tsatest root" {
		t.Errorf("got %+v %v", r, err)
	}
}

func TestEvidenceOfVersion1StaysReadable(t *testing.T) {
	file, err := os.ReadFile("testdata/session.evidence")
	if err != nil {
		t.Fatal(err)
	}
	r, entries := checkEvidence(t, file, "proctor/00a78fe0+93f7cb80+Aa8cFZrVpY15lyqssT1WiLfUFJCAFl532CHiFewMW6fl")
	if !r.OK || !r.Whole || r.Content != 3 || len(entries) != 5 {
		t.Errorf("got %+v", r)
	}
}
