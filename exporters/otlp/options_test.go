package otlp_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"proctor/exporters"
	"proctor/exporters/exportertest"
	"proctor/exporters/otlp"
	"proctor/internal/redact"
)

func wide(o *exporters.Options) { o.Limits = exporters.Limits{Records: 1 << 20, Bytes: 3 << 20} }

func TestTelemetryIsOffByDefault(t *testing.T) {
	t.Parallel()
	dests, err := otlp.New(otlp.Options{}, &exportertest.Ledger{})
	if err != nil || len(dests) != 0 {
		t.Errorf("%d destinations, %v", len(dests), err)
	}
}

func TestAllProblemsOfOptionsAreReported(t *testing.T) {
	t.Parallel()
	_, err := otlp.New(otlp.Options{
		Compat: "new", SpanAttributes: map[string]string{"": "x"},
		Logs:    otlp.Exporter{Kind: "statsd", Endpoint: "http://x"},
		Metrics: otlp.Exporter{Kind: otlp.HTTP, Endpoint: "localhost:4318", Protocol: "text"},
		Traces:  otlp.Exporter{Kind: otlp.GRPC, Endpoint: "https://x", TLS: otlp.TLS{ClientCertificate: "a"}},
	}, &exportertest.Ledger{})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`compat is "new"`, "empty key", `kind is "statsd"`, `protocol is "text"`, "set both or neither"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
	for endpoint, want := range map[string]string{"localhost:4317": "begins with http", "": "begins with http", "http://": "names a host"} {
		_, err := otlp.New(otlp.Options{Logs: otlp.Exporter{Kind: otlp.GRPC, Endpoint: endpoint}}, &exportertest.Ledger{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("endpoint %q: %v", endpoint, err)
		}
	}
	_, err = otlp.New(otlp.Options{Logs: otlp.Exporter{Kind: otlp.HTTP, Endpoint: "https://x", TLS: otlp.TLS{CACertificate: "/does/not/exist"}}}, &exportertest.Ledger{})
	if err == nil || !strings.Contains(err.Error(), "ca-certificate") {
		t.Errorf("missing CA: %v", err)
	}
}

func TestHeadersDoNotPrint(t *testing.T) {
	t.Parallel()
	o := otlp.Options{RedactKey: redact.Key("sekret"), Logs: otlp.Exporter{Kind: otlp.HTTP, Headers: otlp.Headers{"authorization": "sekret"}}}
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{fmt.Sprint(o), fmt.Sprintf("%+v", o), fmt.Sprintf("%#v", o), string(b), o.Logs.Headers.LogValue().String()} {
		if strings.Contains(s, "sekret") || strings.Contains(s, "115 101 107") || strings.Contains(s, "c2VrcmV0") {
			t.Errorf("prints %s", s)
		}
	}
}

func TestDestinationNameHasNoCredentials(t *testing.T) {
	t.Parallel()
	dests, err := otlp.New(otlp.Options{Logs: otlp.Exporter{Kind: otlp.HTTP, Endpoint: "https://user:sekret@otel.example.com/v1/logs?key=sekret"}}, &exportertest.Ledger{})
	if err != nil {
		t.Fatal(err)
	}
	defer dests[0].Close()
	if got := dests[0].Name(); got != "otlp-http/logs/otel.example.com/v1/logs" {
		t.Errorf("name %q", got)
	}
}
