package config

import "time"

// Proctor is $PROCTOR_HOME/proctor.toml: our own settings. Paths are absolute
// after Load.
type Proctor struct {
	Bus     ProctorBus     `json:"bus"`
	Ledger  ProctorLedger  `json:"ledger"`
	Export  ProctorExport  `json:"export"`
	Sandbox ProctorSandbox `json:"sandbox"`
	Network ProctorNetwork `json:"network"`
	Redact  ProctorRedact  `json:"redact"`
	SIEM    []ProctorSIEM  `json:"siem"`
	Review  ProctorReview  `json:"review"`

	Serve     ProctorServe     `json:"serve"`
	Approvals ProctorApprovals `json:"approvals"`
	Hooks     ProctorHooks     `json:"hooks"`
}

// ProctorHooks is about hooks that are asked and give no answer.
type ProctorHooks struct {
	OnFailure string `json:"on_failure"` // closed: they object; open: they have no opinion, as in Codex
}

// ProctorApprovals is about the people who answer.
type ProctorApprovals struct {
	People int           `json:"people"` // how many different ones must approve
	Wait   time.Duration `json:"wait"`   // for their answer, written as "10m"
}

// ProctorBus selects the embedded bus or an external NATS cluster.
type ProctorBus struct {
	URL       string `json:"url"`        // empty = embedded; several with commas
	CredsFile string `json:"creds_file"` // NATS credentials for URL
	CAFile    string `json:"ca_file"`    // PEM, of who signed the servers' certificates
	CertFile  string `json:"cert_file"`  // PEM, of this client, with KeyFile
	KeyFile   string `json:"key_file"`
	// AssumeSynced believes servers that do not say whether they sync every write.
	AssumeSynced bool `json:"assume_synced"`
	Replicas     int  `json:"replicas"` // servers that must have a message, at least

	// The rest is about 'proctor serve', which takes partitions into its ledger when it has a name.
	Node       string        `json:"node"`
	Home       []int         `json:"home"`       // partitions to take at once; others when nobody does; empty = all
	Partitions int           `json:"partitions"` // to make when there are none; 0 = what is there, or 4
	Keep       time.Duration `json:"keep"`       // of messages that the ledger has, written as "7d"; 0 = for ever
}

// ProctorLedger says where the record is kept.
type ProctorLedger struct {
	Dir          string `json:"dir"`            // default $PROCTOR_HOME/ledger
	KeyFile      string `json:"key_file"`       // signing key, default $PROCTOR_HOME/keys/ledger.key
	MinFreeBytes int64  `json:"min_free_bytes"` // refuse to start below this

	// Heartbeat is how often an open session says that it still runs, written as "5m".
	Heartbeat time.Duration    `json:"heartbeat"`
	Retention ProctorRetention `json:"retention"`
	Witness   ProctorWitness   `json:"witness"`
}

// ProctorWitness names those who cosign checkpoints.
type ProctorWitness struct {
	URLs    []string      `json:"urls"`    // submission prefixes, asked after each checkpoint
	Keys    []string      `json:"keys"`    // verifier keys, name+id+base64
	Quorum  int           `json:"quorum"`  // how many must have cosigned for verify --witnesses
	Timeout time.Duration `json:"timeout"` // for one of them to answer, written as "10s"
}

// ProctorRetention says how long content is kept; zero is for ever. Entries and proofs always stay.
type ProctorRetention struct {
	MaxAge   time.Duration `json:"max_age"`   // since the end of the session, written as "90d"
	MaxBytes int64         `json:"max_bytes"` // of all content; the oldest goes first
}

// ProctorExport tunes the exporters of [otel].
type ProctorExport struct {
	BatchRecords int           `json:"batch_records"` // per request, at most
	BatchDelay   time.Duration `json:"batch_delay"`   // written as "1s"; zero leaves each signal its own
	ExitTimeout  time.Duration `json:"exit_timeout"`  // how long the end of a run may wait for collectors, written as "5s"
	DeltaRecords bool          `json:"delta_records"` // export stream deltas as records
}

// ProctorSandbox selects the confinement.
type ProctorSandbox struct {
	Backend       string `json:"backend"` // auto, bwrap, native or landlock
	RecordDenials bool   `json:"record_denials"`
	// Limits hold for each confined command; 0 is no limit, but for core.
	Limits ProctorLimits `json:"limits"`
}

// ProctorLimits bound what one command may use, as sandbox.Limits says.
type ProctorLimits struct {
	Processes  int   `json:"processes"`  // processes and threads together; -1 depends on the number of processors
	Memory     int64 `json:"memory"`     // private memory of each process, in bytes
	Allocation int64 `json:"allocation"` // smallest request for memory that is refused, in bytes, from 1 GiB on
	Core       int64 `json:"core"`       // size of a core file, in bytes: 0 for none, -1 for any
	OpenFiles  int   `json:"open_files"` // descriptors of each process
}

// ProctorNetwork is what becomes of connections that no rule of the network proxy speaks about.
type ProctorNetwork struct {
	OnMiss string `json:"on_miss"` // continue, or kill as Codex does
	Report bool   `json:"report"`  // let misses through and record what would have been refused
	// Transparent carries TCP connections of programs that know of no proxy.
	Transparent bool `json:"transparent"`
}

// ProctorRedact selects what is recorded, and what leaves the machine, in clear.
type ProctorRedact struct {
	// Level is of [otel]: full, redacted or metadata; standard is redacted, strict is redacted without contents of tools, off is full.
	Level string `json:"level"`
	// Capture says whether secrets are masked before they are recorded: mask or off.
	Capture string `json:"capture"`
	// Rules are files in the form of gitleaks, beside the built-in rules; absolute paths. Imported are their rules.
	Rules    []string     `json:"rules"`
	Imported []RedactRule `json:"-"`
}

// RedactRule is one rule of a file in the form of gitleaks.
type RedactRule struct {
	ID       string
	Regex    string
	Keywords []string
	Group    int     // of the secret in Regex, 0 for the first
	Entropy  float64 // of the secret, at least, in bits per byte
	// Allow are patterns, Words texts, of what is no secret.
	Allow, Words []string
	Origin       Origin
}

// ProctorSIEM is one destination of events besides [otel].
type ProctorSIEM struct {
	Name   string `json:"name"`   // of the cursor, unique
	Format string `json:"format"` // ndjson, ocsf, ecs or cef
	// Target is file:PATH; tcp://HOST:PORT or tls://HOST:PORT for syslog; http:// or https:// for the HTTP Event Collector of Splunk.
	Target string `json:"target"`
	Level  string `json:"level"` // full, redacted or metadata; default redacted
	// MaxBytes and Files bound files; 0 does not rotate.
	MaxBytes int64 `json:"max_bytes"`
	Files    int   `json:"files"`
	// Token, Index and SourceType are those of the collector.
	Token      Secret `json:"token"`
	Index      string `json:"index"`
	SourceType string `json:"source_type"`

	CACertificate     string `json:"ca_certificate"`
	ClientCertificate string `json:"client_certificate"`
	ClientPrivateKey  string `json:"client_private_key"`
}

// ProctorServe is about proctor serve.
type ProctorServe struct {
	Metrics string `json:"metrics"` // HOST:PORT of the Prometheus endpoint; empty for none
}
