package remote

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"proctor/event"
	"proctor/internal/responses"
	"proctor/reviewer/auto"
)

// What arrives at the model's server of hostile transcripts: each line of each text is the opening, begins with the mark, or is
// indented, and roles and types are ours.
func TestInjectionsOnTheWire(t *testing.T) {
	f, err := os.Open("../testdata/injection.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	s := &server{answers: []func(http.ResponseWriter){says(`{"outcome":"deny"}`)}}
	srv := httptest.NewServer(s)
	defer srv.Close()
	client, err := responses.New(Provider(responses.Provider{ID: "mock", BaseURL: srv.URL}), responses.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	n := 0
	for ; lines.Scan(); n++ {
		var h struct{ ID, Text string }
		if err := json.Unmarshal(lines.Bytes(), &h); err != nil {
			t.Fatal(err)
		}
		q := request()
		q.Session = h.ID // a conversation of its own
		q.Context.Transcript = []event.TranscriptEntry{{Role: event.RoleAssistant, Text: h.Text}, {Role: event.RoleResult, Tool: h.Text, Text: h.Text}}
		q.Context.Instructions, q.Context.RetryReason, q.Context.Descriptions = h.Text, h.Text, h.Text
		q.Action.Argv[2] = h.Text
		q.Digest = q.Action.Digest()
		auto.New(Client{Stream: client.Stream}, auto.Options{Model: "guard"}).Review(t.Context(), q)
		checkInput(t, h.ID, s.bodies[n])
	}
	if n < 60 {
		t.Errorf("only %d transcripts", n)
	}
}

func checkInput(t *testing.T, id string, body map[string]any) {
	t.Helper()
	input, _ := body["input"].([]any)
	if len(input) != 2 {
		t.Fatalf("%s: %d input items", id, len(input))
	}
	mark := ""
	for i := len(input) - 1; i >= 0; i-- { // the opening names the mark
		m, _ := input[i].(map[string]any)
		if m["type"] != "message" || m["role"] != "user" {
			t.Fatalf("%s: item %d is %v of %v", id, i, m["type"], m["role"])
		}
		content, _ := m["content"].([]any)
		for j, c := range content {
			part, _ := c.(map[string]any)
			text, _ := part["text"].(string)
			if part["type"] != "input_text" || text == "" {
				t.Fatalf("%s: item %d.%d is %v", id, i, j, part["type"])
			}
			if i == 1 && j == 0 {
				_, rest, _ := strings.Cut(text, "Lines that begin with ")
				mark, _, _ = strings.Cut(rest, " ")
				if strings.Contains(text, "\n") || len(mark) != 13 {
					t.Fatalf("%s: opening %q", id, text)
				}
				continue
			}
			for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
				if !strings.HasPrefix(line, mark+" ") && !strings.HasPrefix(line, "  ") {
					t.Fatalf("%s: item %d.%d has at the margin %q", id, i, j, line)
				}
			}
		}
	}
}
