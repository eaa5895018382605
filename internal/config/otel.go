package config

import (
	"encoding/json"
	"fmt"
)

// Otel is the effective [otel] table. Everything is off by default.
type Otel struct {
	Environment           string                       `json:"environment"`
	Compat                string                       `json:"compat"`   // codex or typed attribute types; ours, the CLI passes it over
	GenAI                 bool                         `json:"gen_ai"`   // a second attribute set; ours as well
	Exporter              Exporter                     `json:"exporter"` // logs
	TraceExporter         Exporter                     `json:"trace_exporter"`
	MetricsExporter       Exporter                     `json:"metrics_exporter"`
	LogUserPrompt         bool                         `json:"log_user_prompt"`
	LogAgentResponses     bool                         `json:"log_agent_responses"`
	LogGuardianAssessment bool                         `json:"log_guardian_assessments"`
	LogSSEDeltas          bool                         `json:"log_sse_deltas"`
	ToolResult            OtelToolResult               `json:"tool_result"`
	SpanAttributes        map[string]string            `json:"span_attributes"`
	Tracestate            map[string]map[string]string `json:"tracestate"`
}

// OtelToolResult bounds the preview of a tool's output.
type OtelToolResult struct {
	MaxBytes int64 `json:"max_bytes"`
}

// ExporterKind is the tag of an Exporter.
type ExporterKind string

// The exporter kinds. Statsig is accepted as a word and exports nothing: proctor
// never sends to the vendor.
const (
	ExporterNone     ExporterKind = "none"
	ExporterStatsig  ExporterKind = "statsig"
	ExporterOTLPHTTP ExporterKind = "otlp-http"
	ExporterOTLPGRPC ExporterKind = "otlp-grpc"
)

// Exporter is where one signal goes; the fields below Kind are set for the two
// OTLP kinds only.
type Exporter struct {
	Kind     ExporterKind
	Endpoint string            // as written, nothing is appended
	Protocol string            // binary or json, otlp-http only
	Headers  map[string]Secret // ${NAME} already replaced
	TLS      ExporterTLS
	// Compression is none, gzip, or empty for what OTEL_EXPORTER_OTLP_COMPRESSION says; ours, the CLI does not compress.
	Compression string
}

// ExporterTLS are paths; both client files or neither. A CA replaces the
// system roots.
type ExporterTLS struct {
	CACertificate     string `json:"ca-certificate"`
	ClientCertificate string `json:"client-certificate"`
	ClientPrivateKey  string `json:"client-private-key"`
}

// Enabled reports whether the exporter sends anything.
func (e Exporter) Enabled() bool {
	return e.Kind == ExporterOTLPHTTP || e.Kind == ExporterOTLPGRPC
}

type exporterTable struct {
	Endpoint string            `json:"endpoint"`
	Protocol string            `json:"protocol,omitempty"`
	Headers  map[string]Secret `json:"headers,omitempty"`
	TLS      ExporterTLS       `json:"tls,omitzero"`

	Compression string `json:"compression,omitempty"`
}

// MarshalJSON writes the form of a configuration file, header values masked.
func (e Exporter) MarshalJSON() ([]byte, error) {
	if !e.Enabled() {
		return json.Marshal(string(e.Kind))
	}
	t := exporterTable{Endpoint: e.Endpoint, Protocol: e.Protocol, Headers: e.Headers, TLS: e.TLS, Compression: e.Compression}
	return json.Marshal(map[ExporterKind]exporterTable{e.Kind: t})
}

// UnmarshalJSON reads a word or a table with exactly one OTLP key.
func (e *Exporter) UnmarshalJSON(b []byte) error {
	var word string
	if json.Unmarshal(b, &word) == nil {
		*e = Exporter{Kind: ExporterKind(word)}
		return nil
	}
	var tables map[ExporterKind]exporterTable
	if err := json.Unmarshal(b, &tables); err != nil {
		return fmt.Errorf("read exporter: %w", err)
	}
	if len(tables) != 1 {
		return fmt.Errorf("read exporter: %d kinds in one table, expected one", len(tables))
	}
	for kind, t := range tables {
		*e = Exporter{Kind: kind, Endpoint: t.Endpoint, Protocol: t.Protocol, Headers: t.Headers, TLS: t.TLS, Compression: t.Compression}
	}
	if e.Kind == ExporterOTLPHTTP && e.Protocol == "" {
		e.Protocol = "binary"
	}
	return nil
}
