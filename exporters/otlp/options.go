package otlp

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"time"

	"proctor/event"
	"proctor/exporters"
	"proctor/internal/redact"
)

// Kind is the tag of an exporter in [otel].
type Kind string

// The exporter kinds.
const (
	None Kind = "none"
	HTTP Kind = "otlp-http"
	GRPC Kind = "otlp-grpc"
)

// Protocols of otlp-http.
const (
	Binary = "binary"
	JSON   = "json"
)

// Compat says how values are typed.
type Compat string

// The forms of records.
const (
	CodexCompat Compat = "codex"
	TypedCompat Compat = "typed"
)

// Headers hold credentials: they print as a list of names.
type Headers map[string]string

// Format implements fmt.Formatter.
func (h Headers) Format(s fmt.State, _ rune) {
	_, _ = io.WriteString(s, fmt.Sprintf("[%d headers]", len(h)))
}

// LogValue implements slog.LogValuer.
func (h Headers) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(h)) }

// MarshalText keeps values out of JSON.
func (h Headers) MarshalText() ([]byte, error) { return fmt.Append(nil, h), nil }

// TLS are paths; both client files or neither. A CA replaces the system's roots.
type TLS struct {
	CACertificate     string
	ClientCertificate string
	ClientPrivateKey  string
}

// Exporter is where one signal goes. The zero value is none.
type Exporter struct {
	Kind     Kind
	Endpoint string // URL as written; nothing is appended for HTTP, gRPC uses host and port
	Protocol string // otlp-http: binary (default) or json
	Headers  Headers
	TLS      TLS
	// Compression is none or gzip; empty is none.
	Compression string

	Timeout  time.Duration // of one attempt; 0 means 10 s
	Interval time.Duration // how long a batch waits for more; 0 means 1 s for logs, 5 s for traces, 1 min for metrics
	Records  int           // in a batch; 0 means what the exporter is told
}

// The compressions.
const (
	NoCompression = "none"
	Gzip          = "gzip"
)

// Enabled reports whether anything is sent.
func (e Exporter) Enabled() bool { return e.Kind != "" && e.Kind != None }

// Options are the [otel] table and what the process knows about itself.
type Options struct {
	Environment string // default dev
	Logs        Exporter
	Metrics     Exporter
	Traces      Exporter

	LogUserPrompt          bool
	LogAgentResponses      bool
	LogGuardianAssessments bool
	DropSSEDeltas          bool // log_sse_deltas = false; metrics still count them
	DropToolContent        bool
	ToolResultMaxBytes     int               // 0 means 2048
	SpanAttributes         map[string]string // on every span
	Compat                 Compat            // default codex
	GenAI                  bool              // add the gen_ai attributes, see genai.go
	ResourceAttributes     map[string]string // besides those of the CLI, which they do not replace
	Sampler                *Sampler          // of spans; nil takes all but those whose caller does not sample

	Version       string     // of proctor
	Host          string     // host.name when the session does not name one
	OS, OSVersion string     // resource of metrics
	SessionSource string     // metric tag, default exec
	RedactKey     redact.Key // see redact.Options
	RedactRules   *redact.Rules
	RedactLevel   redact.Level
	// Lags says how far behind destinations are; it goes out with metrics. Nil for nothing.
	Lags func() []Lag `json:"-"`
}

// New makes the destinations that are switched on, in the order logs, metrics, traces.
// reader serves look-ups of a session's first events. All problems are reported at once.
func New(opts Options, reader event.Reader) ([]exporters.Destination, error) {
	opts.defaults()
	if err := opts.check(); err != nil {
		return nil, err
	}
	sessions := newSessions(reader)
	policy := redact.New(redact.Options{
		LogUserPrompt: opts.LogUserPrompt, LogAgentResponses: opts.LogAgentResponses, LogGuardianAssessments: opts.LogGuardianAssessments,
		DropToolContent: opts.DropToolContent, MaxOutput: opts.ToolResultMaxBytes, Key: opts.RedactKey, Rules: opts.RedactRules, Level: opts.RedactLevel,
	})
	makers := []struct {
		signal string
		to     Exporter
		batch  func(target) func(exporters.Limits) exporters.Batch
	}{
		{"logs", opts.Logs, func(t target) func(exporters.Limits) exporters.Batch { return logBatches(t, opts, sessions, policy) }},
		{"metrics", opts.Metrics, func(t target) func(exporters.Limits) exporters.Batch { return metricBatches(t, opts, sessions) }},
		{"traces", opts.Traces, func(t target) func(exporters.Limits) exporters.Batch { return spanBatches(t, opts, sessions) }},
	}
	var out []exporters.Destination
	var errs []error
	for _, m := range makers {
		if !m.to.Enabled() {
			continue
		}
		s, err := newSender(m.to, opts.Version)
		if err != nil {
			errs = append(errs, fmt.Errorf("otel exporter of %s: %w", m.signal, err))
			continue
		}
		t := target{s, m.to.Kind == HTTP && m.to.Protocol == JSON}
		out = append(out, &destination{name: destinationName(m.signal, m.to), signal: m.signal, to: m.to, sender: s, batch: m.batch(t)})
	}
	if len(errs) > 0 {
		for _, d := range out {
			errs = append(errs, d.Close())
		}
		return nil, errors.Join(errs...)
	}
	return out, nil
}

func (o *Options) defaults() {
	if o.Sampler == nil {
		o.Sampler = sampleAll
	}
	for v, d := range map[*string]string{
		&o.Environment: "dev", (*string)(&o.Compat): string(CodexCompat), &o.Version: "unknown", &o.SessionSource: "exec",
		&o.Logs.Protocol: Binary, &o.Metrics.Protocol: Binary, &o.Traces.Protocol: Binary,
	} {
		if *v == "" {
			*v = d
		}
	}
}

func (o *Options) check() error {
	var errs []error
	if o.Compat != CodexCompat && o.Compat != TypedCompat {
		errs = append(errs, fmt.Errorf("otel.compat is %q: want codex or typed", o.Compat))
	}
	if _, ok := o.SpanAttributes[""]; ok {
		errs = append(errs, errors.New("otel.span_attributes has an empty key; name the attribute"))
	}
	for signal, e := range map[string]Exporter{"logs": o.Logs, "metrics": o.Metrics, "traces": o.Traces} {
		if err := e.check(); err != nil {
			errs = append(errs, fmt.Errorf("otel exporter of %s: %w", signal, err))
		}
	}
	return errors.Join(errs...)
}

func (e Exporter) check() error {
	if !e.Enabled() {
		return nil
	}
	if e.Kind != HTTP && e.Kind != GRPC {
		return fmt.Errorf("kind is %q: want none, otlp-http or otlp-grpc", e.Kind)
	}
	if e.Kind == HTTP && e.Protocol != Binary && e.Protocol != JSON {
		return fmt.Errorf("protocol is %q: want binary or json", e.Protocol)
	}
	if c := e.Compression; c != "" && c != NoCompression && c != Gzip {
		return fmt.Errorf("compression is %q: want none or gzip", c)
	}
	u, err := url.Parse(e.Endpoint)
	if err != nil {
		return errors.New("endpoint is not a URL") // the text may hold credentials
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("endpoint %q: want a URL that begins with http:// or https:// and names a host", u.Redacted())
	}
	if (e.TLS.ClientCertificate == "") != (e.TLS.ClientPrivateKey == "") {
		return errors.New("tls has one of client-certificate and client-private-key; set both or neither")
	}
	return nil
}
