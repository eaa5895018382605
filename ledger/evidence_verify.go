package ledger

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"

	"proctor/event"
)

// ErrNoEvidence means that a file is no evidence file, or one of another version. Nothing was checked.
var ErrNoEvidence = errors.New("not an evidence file that this program reads")

// maxEvidenceLine bounds one line of an evidence file, in bytes: an entry and its content, escaped.
const maxEvidenceLine = 64 << 20

// Codes of findings that only evidence files have.
const (
	CodeProof         = "inclusion_proof"
	CodeForeignKey    = "foreign_key"
	CodeOtherSession  = "other_session"
	CodeContentAbsent = "content_absent"
)

// EvidenceReport is what an evidence file proves.
type EvidenceReport struct {
	OK      bool   `json:"ok"` // no finding is an error
	Session string `json:"session"`
	First   uint64 `json:"first"`   // number of the first entry in its session
	Entries uint64 `json:"entries"` // read and proven to be in the tree
	// Content counts entries whose sensitive texts are there and are what was committed to, Absent those whose are not there.
	Content uint64 `json:"content"`
	Absent  uint64 `json:"content_absent"`
	// Whole: the entries are those of a session from its beginning to its end in order.
	Whole     bool   `json:"whole_session"`
	Tree      Tree   `json:"tree"` // what was signed
	PublicKey string `json:"public_key"`
	Rotations int    `json:"rotations,omitempty"` // of the signing key, up to this one
	// Cosignatures are those of given witnesses that hold, Cosigners the names of all who cosigned.
	Cosignatures []Cosignature `json:"cosignatures,omitempty"`
	Cosigners    []string      `json:"cosigners,omitempty"`
	// Timestamps are those that hold.
	Timestamps []Timestamp `json:"timestamps,omitempty"`
	// KeyGiven: the key was known beforehand; otherwise it is the file's own, and proves only that one key signed all.
	KeyGiven bool             `json:"key_given"`
	Findings []Finding        `json:"findings,omitempty"`
	Omitted  int              `json:"omitted,omitempty"`
	Counts   map[Severity]int `json:"counts"`
}

// EvidenceChecks say how to check an evidence file. The zero value works.
type EvidenceChecks struct {
	// PublicKey is the verifier key that must have signed, as Ledger.PublicKey returns it, or an earlier one from which the rotations in
	// the file lead to that. Empty: the file's own.
	PublicKey string
	// Witnesses are those whose cosignatures are checked; Quorum of them must have cosigned.
	Witnesses []*Witness
	Quorum    int
	// TimestampRoots are those that the certificates of time-stamping authorities must lead to. Nil: the system's are tried, and the report says
	// what came of it.
	TimestampRoots *x509.CertPool
	// Each, when not nil, gets every entry that is proven to be in the tree. An error ends the check and is returned.
	Each func(event.Entry) error
	// MaxFindings bounds the findings kept; 0 is 1000.
	MaxFindings int
}

// VerifyEvidence checks an evidence file with nothing but the file: the signature of the checkpoint, that each entry is in the signed
// tree, that the numbers of the session are dense, its contents against their commitments, and that the session tells a complete
// story. What it notices is in the report; the error is for reading, for ErrNoEvidence, and for Each.
func VerifyEvidence(r io.Reader, o EvidenceChecks) (EvidenceReport, error) {
	if o.MaxFindings == 0 {
		o.MaxFindings = 1000
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxEvidenceLine)
	if !lines.Scan() {
		return EvidenceReport{}, fmt.Errorf("read evidence: %w: %w", ErrNoEvidence, errors.Join(lines.Err(), errors.New("its first line cannot be read")))
	}
	var head evidenceHead
	if err := readEvidenceHead(lines.Bytes(), &head); err != nil {
		return EvidenceReport{}, fmt.Errorf("read evidence: %w", err)
	}
	base := &Report{Counts: map[Severity]int{}}
	e := &evidenceCheck{findings: findings{base, o.MaxFindings}, head: head, story: story{last: head.First - 1}}
	e.out = EvidenceReport{Session: head.Session, First: head.First, PublicKey: head.PublicKey, KeyGiven: o.PublicKey != ""}
	e.checkpoint(o.PublicKey)
	e.cosigned(o)
	e.timestamped(o.TimestampRoots)
	for lines.Scan() {
		entry, ok := e.line(lines.Bytes())
		if ok && o.Each != nil {
			if err := o.Each(entry); err != nil {
				return EvidenceReport{}, err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return EvidenceReport{}, fmt.Errorf("read evidence after %d entries: %w", e.read, err)
	}
	e.ending()
	e.out.OK = base.Counts[SeverityError] == 0
	e.out.Findings, e.out.Omitted, e.out.Counts = base.Findings, base.Omitted, base.Counts
	return e.out, nil
}

func readEvidenceHead(line []byte, head *evidenceHead) error {
	var version struct {
		Version *int `json:"proctor_evidence"`
	}
	if json.Unmarshal(line, &version) != nil || version.Version == nil {
		return fmt.Errorf("%w: its first line has no proctor_evidence", ErrNoEvidence)
	}
	if v := *version.Version; v < 1 || v > EvidenceVersion {
		return fmt.Errorf("%w: it is of version %d, this program reads 1 to %d", ErrNoEvidence, v, EvidenceVersion)
	}
	if err := strictJSON(line, head); err != nil {
		return fmt.Errorf("%w: first line: %w", ErrNoEvidence, err)
	}
	switch {
	case event.CheckSession(head.Session) != nil:
		return fmt.Errorf("%w: session %q", ErrNoEvidence, head.Session)
	case head.First == 0 || head.Entries == 0:
		return fmt.Errorf("%w: it is about %d entries from number %d", ErrNoEvidence, head.Entries, head.First)
	case len(head.Rotations) > maxRotations:
		return fmt.Errorf("%w: it has %d rotations of the signing key, at most %d are read", ErrNoEvidence, len(head.Rotations), maxRotations)
	case head.Version < timestampsFrom && head.Timestamps != nil:
		return fmt.Errorf("%w: it is of version %d and has timestamps, which came with version %d", ErrNoEvidence, head.Version, timestampsFrom)
	case len(head.Timestamps) > maxEvidenceTimestamps:
		return fmt.Errorf("%w: it has %d time-stamps, at most %d are read", ErrNoEvidence, len(head.Timestamps), maxEvidenceTimestamps)
	case head.Content != contentIncluded && head.Content != contentLeftOut:
		return fmt.Errorf("%w: content is %q, expected %s or %s", ErrNoEvidence, head.Content, contentIncluded, contentLeftOut)
	}
	return nil
}

func strictJSON(line []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one JSON object in a line")
	}
	return nil
}

// evidenceCheck is one run of VerifyEvidence.
type evidenceCheck struct {
	findings
	head  evidenceHead
	out   EvidenceReport
	story story
	read  uint64 // lines of entries
}

func (e *evidenceCheck) checkpoint(key string) {
	e.keys(key)
	c, err := OpenCheckpoint(e.head.Checkpoint, e.head.PublicKey)
	if err != nil {
		e.add(SeverityError, Finding{Code: CodeCheckpointSign, Message: err.Error()})
		return
	}
	e.out.Tree = c.Tree
}

// line checks one entry; ok when it is in the tree and can be read.
func (e *evidenceCheck) line(text []byte) (entry event.Entry, ok bool) {
	e.read++
	unreadable := func(code string, err error) (event.Entry, bool) {
		e.add(SeverityError, Finding{Code: code, Session: e.head.Session, Message: fmt.Sprintf("line %d: %v", e.read+1, err)})
		return event.Entry{}, false
	}
	var l evidenceEntry
	if err := strictJSON(text, &l); err != nil {
		return unreadable(CodeEntryUnreadable, err)
	}
	raw := []byte(l.Entry)
	s, err := parseEntry(raw)
	if err != nil {
		return unreadable(CodeEntryUnreadable, err)
	}
	h, err := parseHeadOf(s.public)
	if err != nil {
		return unreadable(CodeEntryUnreadable, err)
	}
	leaf := leafHash(raw)
	if err := provenIn(e.out.Tree, l.Proof, s.index, leaf); err != nil {
		return unreadable(CodeProof, fmt.Errorf("entry %d is not in the signed tree: %w", s.index, err))
	}
	if h.Session != e.head.Session {
		e.about(SeverityError, CodeOtherSession, s.index, h, "the entry is of another session than "+e.head.Session)
	}
	if e.out.Entries > 0 && s.index <= e.story.index {
		e.about(SeverityError, CodeEntryIndex, s.index, h, fmt.Sprintf("entry %d comes after entry %d", s.index, e.story.index))
	}
	e.out.Entries++
	e.number(&e.story, s.index, s, h)
	entry = event.Entry{
		Receipt: event.Receipt{ID: h.ID, Seq: s.index, SessionSeq: s.sessionSeq, Leaf: leaf, Received: s.received},
		Kind:    h.Kind, Session: h.Session, Raw: json.RawMessage(raw), Event: e.event(s, h, l.Content),
	}
	if e.head.First == 1 {
		e.tell(&e.story, s.index, s, h, entry.Event)
	}
	return entry, true
}

// provenIn checks an inclusion proof.
func provenIn(t Tree, proof []event.Hash, index event.Seq, leaf event.Hash) error {
	if uint64(index) >= t.Size {
		return fmt.Errorf("the tree has %d entries", t.Size)
	}
	return tlog.CheckRecord(tlogHashes(proof), int64(t.Size), tlog.Hash(t.Root), int64(index), tlog.Hash(leaf)) //nolint:gosec // a size that was signed has 63 bits
}

// event decodes payload and content; nil when that does not work or a newer program wrote it.
func (e *evidenceCheck) event(s stored, h entryHead, content []byte) *event.Event {
	if !h.known() {
		e.about(SeverityWarning, CodeUnknownKind, s.index, h, fmt.Sprintf("kind %q, schema %d, is not known to this program: its payload was not checked", h.Kind, h.Schema))
		return nil
	}
	out, err := event.Decode(event.Encoded{Public: s.public, Content: content})
	switch {
	case err == nil && len(content) > 0:
		e.out.Content++
		return out
	case err == nil:
		if bytes.Contains(s.public, []byte(`"sealed":"`)) {
			e.out.Absent++
		}
		return out
	case len(content) > 0:
		e.about(SeverityError, CodeContentDamaged, s.index, h, err.Error())
		out, _ = event.Decode(event.Encoded{Public: s.public})
		return out
	}
	e.about(SeverityError, CodePayload, s.index, h, err.Error())
	return nil
}

func (e *evidenceCheck) ending() {
	switch {
	case e.read < e.head.Entries:
		e.add(SeverityError, Finding{Code: CodeEntryMissing, Session: e.head.Session, Message: fmt.Sprintf("the file should hold %d entries, it ends after %d", e.head.Entries, e.read)})
	case e.read > e.head.Entries:
		e.add(SeverityError, Finding{Code: CodeEntryExtra, Session: e.head.Session, Message: fmt.Sprintf("the file should hold %d entries, it holds %d", e.head.Entries, e.read)})
	}
	e.untimed()
	if e.out.Absent > 0 {
		e.add(SeverityNote, Finding{Code: CodeContentAbsent, Session: e.head.Session, Message: fmt.Sprintf("the texts of %d entries are not in the file: they were left out, or erased before", e.out.Absent)})
	}
	if e.head.First != 1 {
		return
	}
	e.out.Whole = e.story.closed && e.report.Counts[SeverityError] == 0
	if !e.story.closed {
		e.add(SeverityWarning, Finding{Code: CodeSessionUnclosed, Session: e.head.Session, Message: fmt.Sprintf("the session does not end with session_closed: later entries may exist; the last one here is number %d", e.story.last)})
	}
}
