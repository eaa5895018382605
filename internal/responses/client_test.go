package responses

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"proctor/internal/fakemodel"
)

func TestGoodAnswerIsReportedInOrder(t *testing.T) {
	t.Parallel()
	server, p := start(t, fakemodel.Answer(
		fakemodel.Reason("thinking"),
		fakemodel.Call("exec_command", "c1", map[string]any{"cmd": "ls"}),
		fakemodel.Custom("apply_patch", "c2", "*** Begin"),
		fakemodel.Say("done").Final(),
	).Using(fakemodel.Usage{Input: 7, Cached: 5, CacheWrite: 1, Output: 3, Reasoning: 2}).With("x-request-id", "req_1"))
	rec := &recorder{}
	answer, err := newClient(t, p).Stream(t.Context(), ask(), rec.observer())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"Attempt 0 200",
		"Event created",
		"Event output_item.added", "Event reasoning_summary_part.added", "Event reasoning_summary_text.delta", "FirstOutput", "Event output_item.done", "Item reasoning",
		"Event output_item.done", "Item function_call",
		"Event output_item.done", "Item custom_tool_call",
		"Event output_item.added", "Event output_text.delta", "Event output_item.done", "Item message",
		"Event completed", "Completed",
	}
	if diff := cmp.Diff(want, rec.lines); diff != "" {
		t.Error(diff)
	}
	usage := Usage{Known: true, Input: 7, Cached: 5, CacheWrite: 1, Output: 3, Reasoning: 2, Total: 10}
	if answer.Usage != usage || rec.done[0].Usage != usage {
		t.Errorf("usage %+v and %+v, want %+v", answer.Usage, rec.done[0].Usage, usage)
	}
	if rec.done[0].TTFT <= 0 || rec.done[0].TTFT > rec.done[0].Duration {
		t.Errorf("ttft %s of %s", rec.done[0].TTFT, rec.done[0].Duration)
	}
	a := rec.attempts[0]
	if !a.HeaderAttached || a.HeaderName != "authorization" || a.RequestID != "req_1" || a.Endpoint != "/responses" {
		t.Errorf("attempt %+v", a)
	}
	call := answer.Items[1]
	if call.Name != "exec_command" || call.CallID != "c1" || call.Arguments != `{"cmd":"ls"}` || !call.Call() {
		t.Errorf("call %+v", call)
	}
	if got := answer.Items[3]; got.Text != "done" || got.Phase != "final_answer" || got.Role != "assistant" {
		t.Errorf("message %+v", got)
	}
	if err := server.Finished(); err != nil {
		t.Error(err)
	}
}

func TestRequestCarriesHeadersBodyAndQuery(t *testing.T) {
	t.Parallel()
	var got *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Clone(context.Background())
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte("data: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\"}}\n\n"))
	}))
	t.Cleanup(server.Close)
	p := Provider{
		ID: "p", BaseURL: server.URL + "/v1/", EnvKey: "TEST_KEY",
		QueryParams: map[string]string{"api-version": "1 2"}, HTTPHeaders: map[string]string{"x-fixed": "a"},
		EnvHTTPHeaders: map[string]string{"x-env": "TEST_KEY", "x-absent": "NOT_SET"},
	}
	req := ask()
	req.Headers = map[string]string{"originator": "proctor", "session-id": "s", "authorization": "Bearer stolen"}
	if _, err := newClient(t, p).Stream(t.Context(), req, Observer{}); err != nil {
		t.Fatal(err)
	}
	first := got
	head := map[string]string{}
	for _, name := range []string{"Originator", "Session-Id", "Authorization", "X-Fixed", "X-Env", "X-Absent", "Accept", "Content-Type", "Accept-Encoding"} {
		head[name] = got.Header.Get(name)
	}
	want := map[string]string{
		"Originator": "proctor", "Session-Id": "s", "Authorization": "Bearer " + testKey, "X-Fixed": "a", "X-Env": testKey,
		"X-Absent": "", "Accept": "text/event-stream", "Content-Type": "application/json", "Accept-Encoding": "",
	}
	if diff := cmp.Diff(want, head); diff != "" {
		t.Error(diff)
	}
	open := newClient(t, Provider{ID: "open", BaseURL: server.URL})
	if _, err := open.Stream(t.Context(), req, Observer{}); err != nil || got.Header.Get("Authorization") != "" || got.URL.Path != "/responses" {
		t.Errorf("a caller's header authenticates: %v, path %s", err, got.URL.Path)
	}
	if first.URL.Path != "/v1/responses" || first.URL.Query().Get("api-version") != "1 2" {
		t.Errorf("url %s", first.URL)
	}
}

func TestServerChoosesTheDelay(t *testing.T) {
	t.Parallel()
	_, p := start(t,
		fakemodel.Refuse(429, nil).With("Retry-After", "3"),
		fakemodel.Fail("rate_limit_exceeded", "Please try again in 0.25s."),
		fakemodel.Answer(fakemodel.Say("ok")))
	rec := &recorder{}
	if _, err := newClient(t, p).Stream(t.Context(), ask(), rec.observer()); err != nil {
		t.Fatal(err)
	}
	if text := rec.retries[0].Message; !strings.HasPrefix(text, "Reconnecting... 1/2 (unexpected status 429 Too Many Requests: scripted status, url: http://") || strings.Contains(text, "try again") {
		t.Errorf("message %q", text)
	}
	if rec.retries[0].Delay != 3*time.Second || rec.retries[1].Delay != 250*time.Millisecond {
		t.Errorf("delays %s, %s", rec.retries[0].Delay, rec.retries[1].Delay)
	}
	if want := "Reconnecting... 2/2 (the model server reported a failure (rate_limit_exceeded): Please try again in 0.25s.)"; rec.retries[1].Message != want {
		t.Errorf("message %q, want %q", rec.retries[1].Message, want)
	}
}

func TestDelayOfHoursEndsTheCall(t *testing.T) {
	t.Parallel()
	server, p := start(t, fakemodel.Refuse(429, nil).With("Retry-After", "7200"))
	_, err := newClient(t, p).Stream(t.Context(), ask(), Observer{})
	if _, ok := errors.AsType[*HTTPError](err); !ok || !strings.Contains(err.Error(), "asks to wait 2h0m0s") {
		t.Errorf("error %v", err)
	}
	if err := server.Finished(); err != nil {
		t.Error(err)
	}
}

func TestSilentStreamEndsByIdleTimeout(t *testing.T) {
	t.Parallel()
	hang := fakemodel.Answer(fakemodel.Say("a")).Ending(fakemodel.EndHang)
	_, p := start(t, hang, hang, hang)
	p.StreamIdleTimeoutMS = new(uint64(60))
	rec := &recorder{}
	began := time.Now()
	answer, err := newClient(t, p).Stream(t.Context(), ask(), rec.observer())
	if e, ok := errors.AsType[*StreamError](err); !ok || !e.Idle {
		t.Fatalf("error %v, want an idle StreamError", err)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("took %s", took)
	}
	if len(rec.broken) != 3 || len(answer.Kept) != 3 || answer.Kept[2].Text != "a" || answer.Kept[2].Request != 2 {
		t.Errorf("broken %d, kept %+v", len(rec.broken), answer.Kept)
	}
}

func TestIdleTimeoutCoversTheHeadAndSparesCallbacks(t *testing.T) {
	t.Parallel()
	slow := fakemodel.Answer(fakemodel.Say("a"))
	slow.GapMS = 10 // so that what follows the item is not buffered yet
	_, p := start(t, fakemodel.Answer(fakemodel.Say("late")).After(time.Minute), slow)
	p.StreamIdleTimeoutMS, p.RequestMaxRetries = new(uint64(80)), new(uint64(1))
	rec := &recorder{}
	obs := rec.observer()
	obs.Item = func(Item) error { time.Sleep(160 * time.Millisecond); return nil } // a slow ledger is not a silent model
	if _, err := newClient(t, p).Stream(t.Context(), ask(), obs); err != nil {
		t.Fatal(err)
	}
	if len(rec.attempts) != 2 || !strings.Contains(rec.attempts[0].Err, "no answer within 80ms") {
		t.Errorf("attempts %+v", rec.attempts)
	}
}

func TestConnectionRefusedIsBoundedAndExplained(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	p := Provider{ID: "local", BaseURL: "http://" + address + "/v1?key=hidden", RequestMaxRetries: new(uint64(1)), StreamMaxRetries: new(uint64(1))}
	rec := &recorder{}
	_, err = newClient(t, p).Stream(t.Context(), ask(), rec.observer())
	e, ok := errors.AsType[*ConnectError](err)
	if !ok || e.URL != "http://"+address+"/v1/responses" || !strings.Contains(e.Error(), `nothing listens there: start the server or correct base_url of model provider "local"`) {
		t.Errorf("error %v", err)
	}
	if len(rec.attempts) != 4 || rec.attempts[3].Status != 0 || rec.attempts[3].HeaderAttached {
		t.Errorf("attempts %+v", rec.attempts)
	}
	for _, line := range rec.lines {
		if strings.Contains(line, "hidden") {
			t.Errorf("query shown: %s", line)
		}
	}
}

func TestUnknownHostNamesBaseURL(t *testing.T) {
	t.Parallel()
	p := Provider{ID: "p", BaseURL: "http://model.invalid/v1", RequestMaxRetries: new(uint64(1))}
	client, err := New(p, Options{Wait: func(context.Context, time.Duration) error { return nil }, Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "model.invalid", IsNotFound: true}}
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	rec := &recorder{}
	_, err = client.Stream(t.Context(), ask(), rec.observer())
	if err == nil || !strings.Contains(err.Error(), "the host name does not resolve: check base_url") {
		t.Errorf("error %v", err)
	}
	if len(rec.attempts) != 2 {
		t.Errorf("%d attempts, want 2: a wrong name is not worth starting over", len(rec.attempts))
	}
}

func TestUntrustedCertificateIsNotRetried(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = discardLog()
	server.StartTLS()
	t.Cleanup(server.Close)
	rec := &recorder{}
	_, err := newClient(t, Provider{ID: "p", BaseURL: server.URL}).Stream(t.Context(), ask(), rec.observer())
	if err == nil || !strings.Contains(err.Error(), "certificate was not accepted") || len(rec.attempts) != 1 {
		t.Errorf("error %v, %d attempts", err, len(rec.attempts))
	}
}

// Over HTTP/2 a stream ends differently: there is no connection to close.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("protocol %s", r.Proto)
		}
		w.Header().Set("Content-Type", "text/event-stream")
		switch requests.Add(1) {
		case 1:
			_, _ = w.Write([]byte("data: {\"type\":\"response.created\"}\n\n"))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case 2:
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		default:
			_, _ = w.Write([]byte("data: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\"}}\n\n"))
		}
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = discardLog()
	server.StartTLS()
	t.Cleanup(server.Close)
	client, err := New(Provider{ID: "p", BaseURL: server.URL, StreamIdleTimeoutMS: new(uint64(500))}, Options{Transport: server.Client().Transport})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	rec := &recorder{}
	answer, err := client.Stream(t.Context(), ask(), rec.observer())
	if err != nil || answer.ID != "r" {
		t.Fatalf("%+v, %v", answer, err)
	}
	want := []string{"Attempt 0 200", "Event created", "Event !", "Broken", "Retry stream 1/5", "Attempt 0 200", "Event !", "Broken", "Retry stream 2/5", "Attempt 0 200", "Event completed", "Completed"}
	if diff := cmp.Diff(want, rec.lines); diff != "" {
		t.Error(diff)
	}
}

func TestTwentyThousandDeltasArriveInOrder(t *testing.T) {
	t.Parallel()
	const n = 20_000
	words := make([]rune, n)
	for i := range words {
		words[i] = rune('a' + i%26)
	}
	_, p := start(t, fakemodel.Answer(fakemodel.Say(string(words)).In(n)))
	var text strings.Builder
	deltas, last := 0, -1
	answer, err := newClient(t, p).Stream(t.Context(), ask(), Observer{Event: func(e StreamEvent) error {
		if e.Seq != last+1 {
			t.Fatalf("event %d after %d", e.Seq, last)
		}
		last = e.Seq
		if e.Kind != "response.output_text.delta" {
			return nil
		}
		var delta struct{ Delta string }
		if err := json.Unmarshal(e.Raw, &delta); err != nil {
			return err
		}
		deltas++
		text.WriteString(delta.Delta)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if deltas != n || text.String() != string(words) || answer.Items[0].Text != string(words) {
		t.Errorf("%d deltas, text equal %t", deltas, text.String() == string(words))
	}
}
