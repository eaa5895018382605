package app

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"proctor/internal/cli"
	"proctor/internal/codex/intake"
	"proctor/internal/config"
)

// BenchmarkIntake is the way of telemetry from an OTLP request of 512 records to its receipt: one operation is one record. Bench -what intake
// measures the program beside its peer; this is for profiles.
func BenchmarkIntake(b *testing.B) {
	home := b.TempDir()
	var said bytes.Buffer
	env := cli.Env{
		Stdin: strings.NewReader(""), Stdout: &said, Stderr: &said, Cwd: home, Log: slog.New(slog.DiscardHandler),
		Environ: []string{"HOME=" + home, "CODEX_HOME=" + home, "PROCTOR_HOME=" + home + "/state"},
	}
	cfg, _, err := env.Configure(config.Options{})
	if err != nil {
		b.Fatal(err)
	}
	store, err := Open(b.Context(), env, cfg, Runner)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = store.Close(b.Context()) }()
	r, err := intake.Start(b.Context(), intake.Options{HTTP: "127.0.0.1:0", Rate: 1 << 30, Take: store.takeReports})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	const batch = 512
	logs := plog.NewLogs()
	records := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for n := range batch {
		a := records.AppendEmpty().Attributes()
		for k, v := range map[string]string{
			"event.name": "codex.sse_event", "event.kind": "response.output_text.delta", "event.timestamp": "2026-11-23T09:10:17.970Z", "duration_ms": "3",
			"conversation.id": fmt.Sprintf("01a207ab-9f1f-7ca2-b329-c847928d242%d", n%4), "app.version": "0.169.0", "originator": "codex_exec", "terminal.type": "xterm", "slug": "gpt-5.1-codex",
		} {
			a.PutStr(k, v)
		}
		if n%8 == 0 {
			a.PutStr("event.name", "codex.tool_result")
			a.PutStr("tool_name", "exec_command")
			a.PutStr("call_id", "call_1")
			a.PutStr("arguments", `{"cmd":"go test ./..."}`)
			a.PutStr("output", strings.Repeat("ok  example.com/a/package 0.012s\n", 12))
		}
	}
	b.ReportAllocs()
	for sent := 0; b.Loop(); sent++ {
		if sent%batch > 0 {
			continue
		}
		for n := range batch {
			records.At(n).Attributes().PutStr("model", fmt.Sprint("model ", sent+n))
			records.At(n).Attributes().PutStr("event.timestamp", time.Now().UTC().Format("2006-01-02T15:04:05.000Z"))
		}
		body, err := plogotlp.NewExportRequestFromLogs(logs).MarshalProto()
		if err != nil {
			b.Fatal(err)
		}
		res, err := http.Post("http://"+r.HTTP+"/v1/logs", "application/x-protobuf", bytes.NewReader(body))
		if err != nil || res.StatusCode != http.StatusOK || res.Body.Close() != nil {
			b.Fatal(res, err)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}
