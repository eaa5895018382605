package otlp_test

import (
	"strings"
	"testing"

	"proctor/event"
	"proctor/exporters/otlp"
)

func TestTotalsInTheTextFormatOfPrometheus(t *testing.T) {
	t.Parallel()
	l := newLedger(t, "s", start(),
		event.Draft{Payload: &event.APIRequestPayload{Status: 200, Duration: 47}}, event.Draft{Payload: &event.APIRequestPayload{Status: 200, Duration: 3}},
		event.Draft{Payload: &event.ToolResultPayload{ToolName: "a\"b\\c\nd"}})
	totals := otlp.NewTotals(otlp.Options{}, l)
	for _, e := range l.Entries() {
		totals.Add(t.Context(), e)
	}
	var b strings.Builder
	if err := totals.Write(&b, 4, []otlp.Lag{{Destination: "d", Signal: "logs", Entries: 3, Millis: 9, Accepted: 7, Rejected: 2, Failures: 1, Failing: true}}); err != nil {
		t.Fatal(err)
	}
	const session = `app_version="1.2.3",model="gpt-5.5",originator="codex_exec",session_source="exec",`
	for _, line := range []string{
		`# TYPE codex_api_request_total counter`,
		`codex_api_request_total{` + session + `status="200",success="true"} 2`,
		`# TYPE codex_api_request_duration_ms histogram`,
		`codex_api_request_duration_ms_bucket{` + session + `status="200",success="true",le="5"} 1`,
		`codex_api_request_duration_ms_bucket{` + session + `status="200",success="true",le="50"} 2`,
		`codex_api_request_duration_ms_bucket{` + session + `status="200",success="true",le="+Inf"} 2`,
		`codex_api_request_duration_ms_sum{` + session + `status="200",success="true"} 50`,
		`codex_api_request_duration_ms_count{` + session + `status="200",success="true"} 2`,
		`codex_process_start_total{originator="codex_exec"} 1`,
		`proctor_ledger_entries 4`,
		`proctor_export_lag_entries{destination="d",signal="logs"} 3`,
		`proctor_export_failing{destination="d",signal="logs"} 1`,
		`proctor_export_rejected_total{destination="d",signal="logs"} 2`,
	} {
		if strings.Count(b.String(), line+"\n") != 1 {
			t.Errorf("%d times %s", strings.Count(b.String(), line), line)
		}
	}
	if !strings.Contains(b.String(), `tool="a\"b\\c\nd"`) {
		t.Error("a label is not escaped")
	}
	if t.Failed() {
		t.Log(b.String())
	}
}
