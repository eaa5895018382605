package ledger

import (
	"crypto/x509"
	"time"

	"proctor/event"
)

// Severity of a finding.
type Severity string

// The severities. Only SeverityError says that the record cannot be trusted.
const (
	SeverityError   Severity = "error"   // the record is not what was written, or contradicts itself
	SeverityWarning Severity = "warning" // the record is whole but a run did not end in order
	SeverityNote    Severity = "note"    // worth knowing
)

// Codes of findings. doc/ledger-format.md lists what each means.
const (
	CodeEntryMissing       = "entry_missing"
	CodeEntryExtra         = "entry_extra"
	CodeEntryUnreadable    = "entry_unreadable"
	CodeEntryIndex         = "entry_index"
	CodeTileHash           = "tile_hash"
	CodeTileMissing        = "tile_missing"
	CodeHeadSize           = "head_size"
	CodeHeadRoot           = "head_root"
	CodeCheckpointForm     = "checkpoint_form"
	CodeCheckpointSign     = "checkpoint_signature"
	CodeCheckpointRoot     = "checkpoint_root"
	CodeCheckpointAhead    = "checkpoint_ahead"
	CodeCheckpointLog      = "checkpoint_log"
	CodeStoreUnreadable    = "store_unreadable"
	CodeSessionGap         = "session_gap"
	CodeSessionIndex       = "session_index"
	CodeSessionRecord      = "session_record"
	CodeIDIndex            = "id_index"
	CodeIDTwice            = "id_twice"
	CodeUnknownKind        = "unknown_kind"
	CodePayload            = "payload_unreadable"
	CodeContentMissing     = "content_missing"
	CodeContentDamaged     = "content_damaged"
	CodeContentErased      = "content_erased"
	CodeCheckpointFork     = "checkpoint_fork"
	CodeErasureUnrecorded  = "erasure_unrecorded"
	CodeHoldRecord         = "hold_record"
	CodeCosignature        = "cosignature"
	CodeCosignatureStrange = "cosignature_unchecked"
	CodeWitnessFailed      = "witness_failed"
	CodeWitnessFork        = "witness_fork"
	CodeWitnessQuorum      = "witness_quorum"
	CodeTimestampDamaged   = "timestamp_damaged"
	CodeTimestampForeign   = "timestamp_foreign"
	CodeTimestampForged    = "timestamp_forged"
	CodeTimestampChain     = "timestamp_chain"
	CodeKeyChain           = "key_chain"
	CodeKeyPending         = "key_pending"
	CodeClosedCounts       = "closed_counts"
	CodeClosedNumber       = "closed_number"
	CodeStartedUndecided   = "started_undecided"
	CodeStartedUnresolved  = "started_without_result"
	CodeHeartbeatOverdue   = "heartbeat_overdue"
	CodeSessionOpen        = "session_open"
	CodeSessionUnclosed    = "session_unclosed"
	CodeClockBack          = "clock_back"
)

// Finding is one thing that Verify noticed.
type Finding struct {
	Severity Severity   `json:"severity"`
	Code     string     `json:"code"`
	Seq      *event.Seq `json:"seq,omitempty"` // the entry it is about
	ID       event.ID   `json:"id,omitempty"`
	Session  string     `json:"session,omitempty"`
	Message  string     `json:"message"`
}

// Report is the result of Verify.
type Report struct {
	OK          bool       `json:"ok"` // no finding is an error
	Entries     uint64     `json:"entries"`
	Sessions    int        `json:"sessions"`
	Checkpoints int        `json:"checkpoints"`     // signatures that were checked
	Known       int        `json:"known,omitempty"` // checkpoints kept elsewhere whose signature is this ledger's
	Root        event.Hash `json:"root"`            // computed from the entries
	Newest      uint64     `json:"newest_checkpoint"`
	PublicKey   string     `json:"public_key"`
	// Cosigned is the size of the newest checkpoint that enough of the given witnesses cosigned, with their Cosignatures.
	Cosigned            uint64        `json:"cosigned,omitempty"`
	Cosignatures        []Cosignature `json:"cosignatures,omitempty"`
	CosignaturesChecked int           `json:"cosignatures_checked,omitempty"` // of all checkpoints
	// Timestamps are the newest of each authority whose tokens hold; see Timestamp.Chain for what that is worth.
	Timestamps        []Timestamp `json:"timestamps,omitempty"`
	TimestampsChecked int         `json:"timestamps_checked,omitempty"` // all that hold
	Findings          []Finding   `json:"findings,omitempty"`
	// Omitted counts findings above VerifyOptions.MaxFindings; each severity is counted in full here.
	Omitted int              `json:"omitted,omitempty"`
	Counts  map[Severity]int `json:"counts"`
	Took    time.Duration    `json:"took_ns"`
	// Since is how many entries were not read, see VerifyOptions.Since; the sessions are those met above it.
	Since uint64 `json:"since,omitempty"`

	// Unchecked is what VerifyOptions.Quick left out; Sessions is 0 then.
	Unchecked []string `json:"unchecked,omitempty"`

	verified string // the newest checkpoint that was checked
}

// VerifyOptions of a verification. The zero value works.
type VerifyOptions struct {
	// Progress is called now and then with the number of entries checked, in Verify's goroutine.
	Progress func(done, total uint64)
	// Since is a checkpoint of this ledger that an earlier verification covered, a signed note, see Verified; empty is to read everything.
	Since string
	// Quick checks the tree and what is signed, and nothing of what entries say.
	Quick bool
	// Known are checkpoints of this ledger, signed notes, that were kept elsewhere: see ReadCheckpoints.
	Known []string
	// Witnesses are those whose cosignatures are checked. A checkpoint counts as cosigned when Quorum of them did so; with a Quorum of 0
	// when one did. Otherwise that is demanded: entries above such a checkpoint are an error once they are older than OpenFor.
	Witnesses []*Witness
	Quorum    int
	// TimestampRoots are what the certificates of time-stamps must lead to. With nil the roots of the system are tried, and a note says where that fails.
	TimestampRoots *x509.CertPool
	// MaxFindings bounds the findings kept; 0 is 1000.
	MaxFindings int
	// OpenFor is how long after its last entry an unclosed session counts as running; 0 is 10 minutes.
	OpenFor time.Duration
}

func (o VerifyOptions) withDefaults() VerifyOptions {
	if o.Progress == nil {
		o.Progress = func(uint64, uint64) {}
	}
	if o.MaxFindings == 0 {
		o.MaxFindings = 1000
	}
	if o.OpenFor == 0 {
		o.OpenFor = 10 * time.Minute
	}
	return o
}

// findings collects, bounded.
type findings struct {
	report *Report
	max    int
}

func (f findings) add(s Severity, found Finding) {
	found.Severity = s
	f.report.Counts[s]++
	if len(f.report.Findings) >= f.max {
		f.report.Omitted++
		return
	}
	f.report.Findings = append(f.report.Findings, found)
}

// about adds a finding about one entry and its event.
func (f findings) about(s Severity, code string, index event.Seq, h entryHead, message string) {
	found := at(code, index, message)
	found.ID, found.Session = h.ID, h.Session
	f.add(s, found)
}

// at makes a finding about one entry.
func at(code string, index event.Seq, message string) Finding {
	return Finding{Code: code, Seq: &index, Message: message}
}
