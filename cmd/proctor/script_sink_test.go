package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"proctor/internal/otlpsink"
)

// cmdSink starts an OTLP receiver. Logs come by the named transport; metrics always by HTTP.
func cmdSink(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 0 || len(args) == 1 && (args[0] == "grpc" || args[0] == "http"), "sink [grpc|http]")
	s, err := otlpsink.Start(otlpsink.Options{MaxBody: 16 << 20})
	ts.Check(err)
	worldOf(ts).sink = s
	ts.Setenv("OTLP_GRPC", s.GRPCURL())
	ts.Setenv("OTLP_HTTP", s.HTTPURL(""))
	exporter := `{ otlp-grpc = { endpoint = "$OTLP_GRPC" } }`
	if len(args) == 1 && args[0] == "http" {
		exporter = `{ otlp-http = { endpoint = "$OTLP_HTTP/v1/logs", protocol = "json" } }`
	}
	ts.Setenv("OTLP_EXPORTER", exporter)
}

// cmdSinkFault makes the receiver refuse connections, hang, answer with a status, or be well again.
func cmdSinkFault(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 1, "sink-fault down|up|hang|slow|STATUS")
	s := worldOf(ts).sink
	s.Set(otlpsink.Fault{})
	switch args[0] {
	case "down":
		s.Down()
	case "up":
		ts.Check(s.Up())
	case "slow":
		s.Set(otlpsink.Fault{Delay: 3 * time.Millisecond})
	case "hang":
		s.Set(otlpsink.Fault{Hang: true})
	default:
		status, err := strconv.Atoi(args[0])
		ts.Check(err)
		s.Set(otlpsink.Fault{Status: status})
	}
}

func attributes(records []otlpsink.Record) []map[string]any {
	out := make([]map[string]any, len(records))
	for i, r := range records {
		out[i] = map[string]any{"resource": r.Resource, "scope": r.Scope, "body": r.Body, "trace": r.TraceID}
		for k, v := range r.Attributes {
			out[i][k] = v
		}
	}
	return out
}

// cmdSinkCount counts log records by their attributes.
func cmdSinkCount(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) >= 1, "sink-count N [KEY=VALUE|KEY~REGEXP|!KEY]...")
	count(ts, "log records", args[0], attributes(worldOf(ts).sink.Records()), args[1:])
}

// cmdSinkDistinct counts log records as sink-count does, those of one event once: what was accepted when nobody waited for the answer any
// more is sent again.
func cmdSinkDistinct(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) >= 1, "sink-distinct N [KEY=VALUE|KEY~REGEXP|!KEY]...")
	var once []map[string]any
	seen := map[any]bool{}
	for _, r := range attributes(worldOf(ts).sink.Records()) {
		if id := r["proctor.event_id"]; id == nil || !seen[id] {
			seen[id] = true
			once = append(once, r)
		}
	}
	count(ts, "log records of different events", args[0], once, args[1:])
}

// cmdSinkPoints counts metric points by name, value and attributes.
func cmdSinkPoints(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) >= 1, "sink-points N [KEY=VALUE|KEY~REGEXP|!KEY]...")
	var points []map[string]any
	for _, p := range worldOf(ts).sink.Points() {
		m := map[string]any{"name": p.Name, "kind": p.Kind, "value": p.Int, "count": p.Count}
		for k, v := range p.Attributes {
			m[k] = v
		}
		points = append(points, m)
	}
	count(ts, "metric points", args[0], points, args[1:])
}

// cmdSinkSpans counts spans by name, trace, parent and attributes.
func cmdSinkSpans(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) >= 1, "sink-spans N [KEY=VALUE|KEY~REGEXP|!KEY]...")
	var spans []map[string]any
	for _, s := range worldOf(ts).sink.Spans() {
		m := map[string]any{"name": s.Name, "trace": s.TraceID, "parent": s.ParentID}
		for k, v := range s.Attributes {
			m[k] = v
		}
		spans = append(spans, m)
	}
	count(ts, "spans", args[0], spans, args[1:])
}

// cmdSinkRequests counts the requests that reached the collector by transport, signal, encoding and gzip.
func cmdSinkRequests(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) >= 1, "sink-requests N [KEY=VALUE|KEY~REGEXP|!KEY]...")
	var list []map[string]any
	for _, r := range worldOf(ts).sink.Requests() {
		list = append(list, map[string]any{"transport": r.Transport, "signal": r.Signal, "encoding": r.Encoding, "gzip": r.Gzip})
	}
	count(ts, "requests to the collector", args[0], list, args[1:])
}

// offByDefault are kinds of codex.* that are exported only when [otel] asks for them.
var offByDefault = map[string]bool{"codex.agent_response": true, "codex.guardian_assessment": true}

// cmdSinkComplete compares a replay with the receiver, kind by kind: all that the ledger has of codex.*
// in the sessions of the replay must have arrived, once.
func cmdSinkComplete(ts *testscript.TestScript, _ bool, args []string) {
	distinct := len(args) > 1 && args[0] == "-distinct"
	if distinct {
		args = args[1:]
	}
	need(ts, len(args) == 1, "sink-complete [-distinct] REPLAY.jsonl")
	seen := map[any]bool{}
	want, got, sessions := map[string]int{}, map[string]int{}, map[any]bool{}
	for _, e := range jsonLines(ts, args[0]) {
		sessions[e["session"]] = true
		if kind, _ := e["kind"].(string); strings.HasPrefix(kind, "codex.") && !offByDefault[kind] {
			want[kind]++
		}
	}
	if len(want) == 0 {
		ts.Fatalf("%s has no event of codex.*", args[0])
	}
	for _, r := range worldOf(ts).sink.Records() {
		id := r.Attributes["proctor.event_id"]
		if distinct && seen[id] {
			continue
		}
		seen[id] = true
		if name, _ := r.Attributes["event.name"].(string); strings.HasPrefix(name, "codex.") && sessions[r.Attributes["conversation.id"]] {
			got[name]++
		}
	}
	for kind, n := range want {
		if got[kind] != n {
			ts.Check(&wrong{"records of " + kind + " at the collector", fmt.Sprint(got[kind]), fmt.Sprint(n)})
		}
	}
}

// cmdSinkNowhere searches all that the collector has for texts.
func cmdSinkNowhere(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) > 0, "sink-nowhere TEXT...")
	sink := worldOf(ts).sink
	all, err := json.Marshal([]any{sink.Records(), sink.Points(), sink.Spans()})
	ts.Check(err)
	need(ts, len(sink.Records()) > 0 && len(sink.Spans())+len(sink.Points()) > 0, "sink-nowhere after something was sent")
	for _, text := range args {
		if bytes.Contains(all, []byte(text)) {
			ts.Fatalf("the collector has %q", text)
		}
	}
}

// cmdSiemComplete compares a replay with a file of NDJSON: each event that leaves is there, and at the sequence it has in the ledger.
func cmdSiemComplete(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 2, "siem-complete REPLAY.jsonl FILE")
	seqs, missing := map[any]any{}, 0
	for _, line := range jsonLines(ts, args[1]) {
		seqs[line["id"]] = line["seq"]
	}
	for _, e := range jsonLines(ts, args[0]) {
		if kind := e["kind"]; kind != "proctor.exec_output" && kind != "proctor.history_item" && (seqs[e["id"]] == nil || seqs[e["id"]] != e["seq"]) {
			ts.Logf("%v: %v at %v, in the file %v", e["id"], kind, e["seq"], seqs[e["id"]])
			missing++
		}
	}
	if missing > 0 || len(seqs) == 0 {
		ts.Fatalf("%d events of %s are not in %s as they are in the ledger", missing, args[0], args[1])
	}
}

// cmdKillExport starts export flush and kills it, a little later each time. After each kill it reads export status, which must not claim
// more than arrived, nor take anything back.
func cmdKillExport(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 1, "kill-export TIMES")
	times, err := strconv.Atoi(args[0])
	ts.Check(err)
	var last int64
	for i := range times {
		cmdKillAfter(ts, false, []string{fmt.Sprintf("%dms", 60+i*4), "proctor", "export", "flush"})
		ts.Check(ts.Exec("proctor", "export", "status", "--json"))
		for _, d := range jsonLines(ts, "stdout") {
			if d["signal"] != "logs" {
				continue
			}
			n, _ := d["accepted"].(json.Number)
			accepted, _ := n.Int64()
			if arrived := int64(len(worldOf(ts).sink.Records())); accepted > arrived || accepted < last {
				ts.Fatalf("kill %d: status claims %d records accepted, after %d; %d arrived", i, accepted, last, arrived)
			}
			last = accepted
		}
	}
}
