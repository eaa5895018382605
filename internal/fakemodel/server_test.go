package fakemodel

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "rewrite the golden files")

func start(t *testing.T, scenario Scenario) (*Server, string) {
	t.Helper()
	server := New(scenario)
	baseURL, err := server.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server, baseURL
}

// client keeps no connections, so that nothing outlives a test.
func client() *http.Client { return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} }

func post(t *testing.T, baseURL, body string) (status int, answer string, err error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, baseURL+"/responses", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer topsecret")
	response, err := client().Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	return response.StatusCode, string(data), err
}

// The golden file is what a client reads: every stream event the format can make.
func TestScenarioFileOnTheWire(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/review.json")
	if err != nil {
		t.Fatal(err)
	}
	scenario, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	server, baseURL := start(t, scenario)
	var got strings.Builder
	for _, body := range []string{`{}`, `{"text":{"format":{"name":"codex_output_schema"}}}`, `{"secret":"c1"}`, `{}`, `{}`, `{}`, `{}`, `{}`, `{"name":"codex_output_schema"}`} {
		status, answer, err := post(t, baseURL, body)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "--- %s\n%d\n%s\n", body, status, strings.TrimSpace(answer))
	}
	if *update {
		if err := os.WriteFile("testdata/review.golden", []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/review.golden")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{`request 2 (track "main", step 1): forbid: secret`}, server.Unmet()); diff != "" {
		t.Error(diff)
	}
	if err := server.Finished(); err == nil || !strings.Contains(err.Error(), `request 7 (track "main") came after the script had ended`) {
		t.Errorf("finished: %v", err)
	}
}

func TestRequestsAreRecordedWithoutTheKey(t *testing.T) {
	t.Parallel()
	server, baseURL := start(t, Script(Answer(Say("a")), Answer(Say("b")).Requiring("never")))
	if _, _, err := post(t, baseURL, `{"model":"m"}`); err != nil {
		t.Fatal(err)
	}
	requests := server.Requests()
	if len(requests) != 1 || string(requests[0].Body) != `{"model":"m"}` || requests[0].Step != 0 || requests[0].Path != "/v1/responses" {
		t.Errorf("%+v", requests)
	}
	if text := fmt.Sprint(requests); strings.Contains(text, "topsecret") || requests[0].Header.Get("Authorization") != "(present)" {
		t.Errorf("recorded header %q", requests[0].Header.Get("Authorization"))
	}
	if err := server.Finished(); err == nil || !strings.Contains(err.Error(), `track "main": 1 steps were not used`) {
		t.Errorf("finished: %v", err)
	}
	if _, _, err := post(t, baseURL, `{}`); err != nil {
		t.Fatal(err)
	}
	if err := server.Finished(); err == nil || !strings.Contains(err.Error(), "require: never") {
		t.Errorf("finished: %v", err)
	}
}

func TestEndings(t *testing.T) {
	t.Parallel()
	t.Run("eof", func(t *testing.T) {
		t.Parallel()
		_, baseURL := start(t, Script(Answer(Say("a")).Ending(EndEOF)))
		_, answer, err := post(t, baseURL, `{}`)
		if err != nil || !strings.Contains(answer, "response.output_item.done") || strings.Contains(answer, "response.completed") {
			t.Errorf("%v: %s", err, answer)
		}
	})
	t.Run("reset", func(t *testing.T) {
		t.Parallel()
		_, baseURL := start(t, Script(Answer(Say("a")).Ending(EndReset)))
		_, answer, err := post(t, baseURL, `{}`)
		if !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("error %v, want a reset", err)
		}
		if !strings.Contains(answer, "response.output_item.done") {
			t.Errorf("events before the reset are lost: %q", answer)
		}
	})
	t.Run("hang ends with Close", func(t *testing.T) {
		t.Parallel()
		server, baseURL := start(t, Script(Answer(Say("a")).Ending(EndHang)))
		response, err := client().Post(baseURL+"/responses", "application/json", strings.NewReader(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		lines := bufio.NewScanner(response.Body)
		for lines.Scan() && lines.Text() != "event: response.output_item.done" {
		}
		began := time.Now()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("close took %s", took)
		}
	})
	t.Run("delay ends with the client", func(t *testing.T) {
		t.Parallel()
		_, baseURL := start(t, Script(Answer().After(time.Hour)))
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, baseURL+"/responses", strings.NewReader(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client().Do(request); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
	})
}

func TestDeltasSplitAndFillUp(t *testing.T) {
	t.Parallel()
	tests := []struct {
		part Part
		n    int
		full string
	}{
		{Say("hello").In(2), 2, "hello"},
		{Say("héé").In(3), 3, "héé"},
		{Say("ab").In(5), 5, "ab..."},
		{Say("ab"), 1, "ab"},
		{Part{Deltas: 3}, 3, "..."},
		{Part{}, 1, ""},
	}
	for _, tt := range tests {
		_, baseURL := start(t, Script(Answer(tt.part)))
		_, answer, err := post(t, baseURL, `{}`)
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		n := 0
		for line := range strings.Lines(answer) {
			var e struct {
				Type  string
				Delta string
			}
			if data, ok := strings.CutPrefix(line, "data: "); ok {
				if err := json.Unmarshal([]byte(data), &e); err != nil {
					t.Fatal(err)
				}
			}
			if e.Type == "response.output_text.delta" {
				n++
				text.WriteString(e.Delta)
			}
		}
		if n != tt.n || text.String() != tt.full || !strings.Contains(answer, `"text":"`+tt.full+`"`) {
			t.Errorf("%+v: %d deltas of %q, want %d of %q", tt.part, n, text.String(), tt.n, tt.full)
		}
	}
}

func TestParallelRequestsGetDifferentSteps(t *testing.T) {
	t.Parallel()
	const n = 20
	var steps []Step
	for i := range n {
		steps = append(steps, Answer(Say(fmt.Sprintf("step %d.", i))))
	}
	server, baseURL := start(t, Script(steps...))
	var mu sync.Mutex
	seen := map[string]bool{}
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			_, answer, err := post(t, baseURL, `{}`)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			seen[answer[strings.Index(answer, "step "):strings.Index(answer, ".\"")]] = true
		})
	}
	all.Wait()
	if len(seen) != n || server.Finished() != nil {
		t.Errorf("%d different answers, %v", len(seen), server.Finished())
	}
}

func TestOtherPaths(t *testing.T) {
	t.Parallel()
	_, baseURL := start(t, Scenario{Models: json.RawMessage(`{"data":[]}`)})
	_, bare := start(t, Scenario{})
	tests := []struct {
		url  string
		head map[string]string
		want int
	}{
		{baseURL + "/models", nil, 200}, {bare + "/models", nil, 404}, {strings.TrimSuffix(baseURL, "/v1") + "/healthz", nil, 200},
		{baseURL + "/responses", nil, 404}, {baseURL + "/responses", map[string]string{"Connection": "Upgrade", "Upgrade": "websocket"}, 426}, {baseURL + "/x", nil, 404},
	}
	for _, tt := range tests {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tt.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range tt.head {
			request.Header.Set(name, value)
		}
		response, err := client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != tt.want {
			t.Errorf("%s: %d, want %d", tt.url, response.StatusCode, tt.want)
		}
	}
}

func TestServerStartsOnceOnLoopback(t *testing.T) {
	t.Parallel()
	server, baseURL := start(t, Scenario{})
	if !strings.HasPrefix(baseURL, "http://127.0.0.1:") {
		t.Errorf("base URL %s", baseURL)
	}
	if _, err := server.Start(); err == nil {
		t.Error("a second start was accepted")
	}
	if err := New(Scenario{}).Close(); err != nil {
		t.Errorf("close without start: %v", err)
	}
}
