package otlp_test

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"proctor/event"
)

// The lists in attributes_test.go against real exports, when they are at hand.
func TestCapturedListsAgreeWithTheCapture(t *testing.T) {
	t.Parallel()
	path := os.Getenv("PROCTOR_CODEX_CAPTURE")
	if path == "" {
		t.Skip("PROCTOR_CODEX_CAPTURE does not name a capture of the real CLI")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var capture struct {
		LogRecords []struct {
			Event  event.Kind
			Record struct {
				Attributes []struct {
					Key   string
					Value map[string]any
				}
			}
		} `json:"log_records"`
	}
	if err := json.Unmarshal(b, &capture); err != nil {
		t.Fatal(err)
	}
	types := map[string]string{"stringValue": "s", "intValue": "i", "boolValue": "b"}
	seen := 0
	for _, r := range capture.LogRecords {
		if captured[r.Event] == "" {
			continue
		}
		seen++
		want := sorted(captured[r.Event] + " error.message=s " + common)
		for _, a := range r.Record.Attributes {
			for k := range a.Value {
				if got := a.Key + "=" + types[k]; !slices.Contains(want, got) {
					t.Errorf("%s: the capture has %s", r.Event, got)
				}
			}
		}
	}
	t.Logf("%d records compared", seen)
}
