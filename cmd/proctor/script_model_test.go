package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"proctor/internal/fakemodel"
)

// defaultConfig is $CODEX_HOME/config.toml of a script that brings none.
const defaultConfig = `model = "scripted"
model_provider = "scripted"
sandbox_mode = "workspace-write"
sandbox_workspace_write.exclude_slash_tmp = true # other scripts use it too
`

const providerConfig = `
[model_providers.scripted]
name = "Scripted model"
base_url = "$MODEL_URL"
wire_api = "responses"
request_max_retries = 1
stream_max_retries = 1
`

const otelConfig = `
[otel]
environment = "test"
exporter = %s
metrics_exporter = { otlp-http = { endpoint = "$OTLP_HTTP/v1/metrics", protocol = "binary" } }
`

// cmdFakemodel starts the scripted model and writes the configuration that leads to it.
// In the scenario, $WORK and $MARK stand for those of the script.
func cmdFakemodel(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 1, "fakemodel SCENARIO.json")
	w := worldOf(ts)
	if w.model != nil {
		_ = w.model.Close()
	}
	scenario, err := fakemodel.Parse([]byte(expand(ts, ts.ReadFile(args[0]))))
	ts.Check(err)
	w.model = fakemodel.New(scenario)
	url, err := w.model.Start()
	ts.Check(err)
	ts.Setenv("MODEL_URL", url)
	ts.Check(configure(ts))
}

func expand(ts *testscript.TestScript, text string) string {
	var pairs []string
	for _, name := range []string{"WORK", "MARK", "MODEL_URL", "OTLP_GRPC", "OTLP_HTTP", "MCP_URL"} {
		pairs = append(pairs, "$"+name, ts.Getenv(name))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// configure completes the configuration: what the script left out is added, once.
func configure(ts *testscript.TestScript) error {
	path, own := ts.Getenv("CODEX_HOME")+"/config.toml", ts.Getenv("WORK")+"/config.template"
	text, err := os.ReadFile(own)
	if err != nil {
		if text, err = os.ReadFile(path); err != nil {
			text = []byte(defaultConfig)
		}
		if err := os.WriteFile(own, text, 0o600); err != nil {
			return err
		}
	}
	whole := string(text)
	if !strings.Contains(whole, "[model_providers") {
		whole += providerConfig
	}
	if worldOf(ts).sink != nil && !strings.Contains(whole, "[otel]") {
		whole += fmt.Sprintf(otelConfig, ts.Getenv("OTLP_EXPORTER"))
	}
	return os.WriteFile(path, []byte(expand(ts, whole)), 0o600)
}

// cmdModelDone fails unless the scenario was played to its end and every require and forbid held.
func cmdModelDone(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 0, "model-done")
	ts.Check(worldOf(ts).model.Finished())
}

// cmdWaitRequests waits until the model got N requests.
func cmdWaitRequests(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 1, "wait-requests N")
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	until(ts, args[0]+" model requests", func() bool { return len(worldOf(ts).model.Requests()) >= n })
}

// cmdRequests compares the number of requests that the model got and writes their bodies to ../request-0.json
// and on, their address and headers to ../request-0.txt and on.
func cmdRequests(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 1, "requests N")
	got := worldOf(ts).model.Requests()
	for _, r := range got {
		name := filepath.Join(ts.Getenv("WORK"), fmt.Sprintf("request-%d.json", r.Seq))
		ts.Check(os.WriteFile(name, r.Body, 0o600))
		head := bytes.NewBufferString(r.Path + "?" + r.Query + "\n")
		ts.Check(r.Header.Write(head))
		name = filepath.Join(ts.Getenv("WORK"), fmt.Sprintf("request-%d.txt", r.Seq))
		ts.Check(os.WriteFile(name, head.Bytes(), 0o600))
	}
	if n := strconv.Itoa(len(got)); n != args[0] {
		ts.Check(&wrong{"model requests", n, args[0]})
	}
}
