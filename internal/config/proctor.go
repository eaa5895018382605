package config

import "time"

// Proctor is $PROCTOR_HOME/proctor.toml: our own settings. Paths are absolute
// after Load.
type Proctor struct {
	Bus     ProctorBus     `json:"bus"`
	Ledger  ProctorLedger  `json:"ledger"`
	Export  ProctorExport  `json:"export"`
	Sandbox ProctorSandbox `json:"sandbox"`
	Redact  ProctorRedact  `json:"redact"`
}

// ProctorBus selects the embedded bus or an external NATS cluster.
type ProctorBus struct {
	URL       string `json:"url"`        // empty = embedded
	CredsFile string `json:"creds_file"` // NATS credentials for URL
}

// ProctorLedger says where the record is kept.
type ProctorLedger struct {
	Dir          string `json:"dir"`            // default $PROCTOR_HOME/ledger
	KeyFile      string `json:"key_file"`       // signing key, default $PROCTOR_HOME/keys/ledger.key
	MinFreeBytes int64  `json:"min_free_bytes"` // refuse to start below this
}

// ProctorExport tunes the exporters of [otel].
type ProctorExport struct {
	Compat       string        `json:"compat"`        // codex or typed attribute types
	BatchRecords int           `json:"batch_records"` // per request, at most
	BatchDelay   time.Duration `json:"batch_delay"`   // written as "1s"; zero leaves each signal its own
	FlushTimeout time.Duration `json:"flush_timeout"` // at the end of a run, written as "5s"
	DeltaRecords bool          `json:"delta_records"` // export stream deltas as records
}

// ProctorSandbox selects the confinement.
type ProctorSandbox struct {
	Backend       string `json:"backend"` // auto, bwrap, native or landlock
	RecordDenials bool   `json:"record_denials"`
}

// ProctorRedact selects what leaves the machine in clear.
type ProctorRedact struct {
	Level string `json:"level"` // strict, standard or off
}
