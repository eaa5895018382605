package proxy

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"proctor/event"
	"proctor/internal/responses"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

const testKey = "sk-proj-4f9a8b7c6d5e4f3a2b1c"

// book is a record in memory. gate, when set, is asked before anything counts as committed.
type book struct {
	mu   sync.Mutex
	all  []event.Payload
	gate func(context.Context, event.Payload) error
	fail func(event.Payload) error
}

func (b *book) record(_ context.Context, _ Thread, payloads ...event.Payload) (func(context.Context) error, error) {
	for _, p := range payloads {
		if b.fail != nil {
			if err := b.fail(p); err != nil {
				return nil, err
			}
		}
	}
	return func(ctx context.Context) error {
		for _, p := range payloads {
			if b.gate != nil {
				if err := b.gate(ctx, p); err != nil {
					return err
				}
			}
			b.mu.Lock()
			b.all = append(b.all, p)
			b.mu.Unlock()
		}
		return nil
	}, nil
}

// of are the committed payloads of one type.
func of[P event.Payload](b *book) (out []P) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.all {
		if one, ok := p.(P); ok {
			out = append(out, one)
		}
	}
	return out
}

// ended waits for the end of an exchange.
func (b *book) ended(t *testing.T) *event.ModelEndedPayload {
	t.Helper()
	for limit := time.Now().Add(30 * time.Second); time.Now().Before(limit); time.Sleep(time.Millisecond) {
		if all := of[*event.ModelEndedPayload](b); len(all) > 0 {
			return all[0]
		}
	}
	t.Fatal("the exchange has no end")
	return nil
}

// start runs a proxy in front of a server.
func start(t *testing.T, b *book, upstream http.HandlerFunc) (base string) {
	t.Helper()
	up := httptest.NewServer(upstream)
	u, err := url.Parse(up.URL + "/v1/responses")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Start(t.Context(), Options{Upstream: u, Key: responses.NewAPIKey(testKey), Record: b.record})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		s.Close(ctx)
		up.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return fmt.Sprintf("http://127.0.0.1:%d", s.Port)
}

func post(t *testing.T, base, body string, header ...string) *http.Response {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/v1/responses", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		q.Header.Set(header[i], header[i+1])
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Body.Close() })
	return r
}

func sse(w http.ResponseWriter, blocks ...string) {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	for _, b := range blocks {
		_, _ = io.WriteString(w, b)
		_ = http.NewResponseController(w).Flush()
	}
}

func TestNothingGoesOnBeforeItIsCommitted(t *testing.T) {
	commit := make(chan string) // one value lets one payload be committed
	b := &book{gate: func(ctx context.Context, p event.Payload) error {
		select {
		case want := <-commit:
			if got := fmt.Sprintf("%T", p); !strings.HasSuffix(got, want+"Payload") {
				return fmt.Errorf("%s is committed, want %s", got, want)
			}
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
	reached := make(chan struct{}, 1)
	base := start(t, b, func(w http.ResponseWriter, _ *http.Request) {
		reached <- struct{}{}
		sse(w, "event: a\ndata: {\"type\":\"a\"}\n\n", "event: b\ndata: {\"type\":\"b\"}\n\n")
	})
	lines := make(chan string, 10)
	done := make(chan struct{})
	go func() {
		defer close(done)
		r := post(t, base, `{"model":"m","stream":true}`)
		lines <- r.Status
		in := bufio.NewScanner(r.Body)
		for in.Scan() {
			if in.Text() != "" {
				lines <- in.Text()
			}
		}
	}()
	nothing := func(what string) {
		t.Helper()
		select {
		case <-reached:
			t.Fatalf("the request was sent before %s", what)
		case line := <-lines:
			t.Fatalf("%q was passed on before %s", line, what)
		case <-time.After(20 * time.Millisecond): // it would be there at once
		}
	}
	nothing("the request was committed")
	commit <- "ModelRequest"
	<-reached
	nothing("the head was committed")
	commit <- "ModelAnswered"
	commit <- "ModelEvent"
	for _, want := range []string{"200 OK", "event: a", `data: {"type":"a"}`} {
		if got := <-lines; got != want {
			t.Fatalf("%q, want %q", got, want)
		}
	}
	nothing("the second event was committed")
	commit <- "ModelEvent"
	<-lines
	<-lines
	commit <- "ModelEnded"
	<-done
}

func TestWhatCannotBeRecordedIsNotSent(t *testing.T) {
	sent := 0
	b := &book{fail: func(event.Payload) error { return errors.New("ledger is full") }}
	base := start(t, b, func(http.ResponseWriter, *http.Request) { sent++ })
	r := post(t, base, "{}")
	text, _ := io.ReadAll(r.Body)
	if r.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(text), "could not be recorded, so it was not sent") || sent != 0 {
		t.Errorf("%s %s, sent %d times", r.Status, text, sent)
	}
}

func TestAnEventThatCannotBeRecordedEndsTheStream(t *testing.T) {
	b := &book{}
	b.fail = func(p event.Payload) error {
		if e, ok := p.(*event.ModelEventPayload); ok && e.Number == 2 {
			return errors.New("ledger is full")
		}
		return nil
	}
	base := start(t, b, func(w http.ResponseWriter, _ *http.Request) { sse(w, "data: 1\n\n", "data: 2\n\n", "data: 3\n\n") })
	r := post(t, base, "{}")
	text, err := io.ReadAll(r.Body)
	if string(text) != "data: 1\n\n" || err == nil {
		t.Errorf("%q, %v", text, err)
	}
	if end := b.ended(t); end.Outcome != "not_recorded" || end.Events != 1 {
		t.Errorf("%+v", end)
	}
}

func TestOnlyOneRequestIsPassedOn(t *testing.T) {
	b := &book{}
	base := start(t, b, func(http.ResponseWriter, *http.Request) { t.Error("something was passed on") })
	for _, c := range []struct {
		method, path string
		header       []string
		want         int
	}{
		{"GET", "/v1/responses", nil, 403}, {"POST", "/v1/responses?a=b", nil, 403}, {"POST", "/v1/responses/", nil, 403}, {"POST", "/v1/models", nil, 403},
		{"POST", "/v1//responses", nil, 403}, {"DELETE", "/v1/responses", nil, 403}, {"GET", "/shutdown", nil, 403}, {"POST", "/v1/%72esponses", nil, 403},
		{"POST", "/v1/responses", []string{"Origin", "http://evil.test"}, 403}, {"POST", "/v1/responses", []string{"Host", "evil.test"}, 403},
		{"POST", "/v1/responses", []string{"Content-Encoding", "zstd"}, 415},
	} {
		q, err := http.NewRequestWithContext(t.Context(), c.method, base+c.path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(c.header); i += 2 {
			if q.Header.Set(c.header[i], c.header[i+1]); c.header[i] == "Host" {
				q.Host = c.header[i+1]
			}
		}
		r, err := http.DefaultTransport.RoundTrip(q)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		if r.StatusCode != c.want {
			t.Errorf("%s %s %v: %d, want %d", c.method, c.path, c.header, r.StatusCode, c.want)
		}
	}
	if len(b.all) != 0 {
		t.Errorf("%d events of requests that were refused", len(b.all))
	}
}

// A server that repeats the key in every place cannot bring it to the client or into the record.
func TestTheKeyStaysHere(t *testing.T) {
	for _, kind := range []string{"text/event-stream", "application/json"} {
		b := &book{}
		base := start(t, b, func(w http.ResponseWriter, q *http.Request) {
			if got := q.Header.Get("Authorization"); got != "Bearer "+testKey {
				t.Errorf("the server got %q", got)
			}
			if q.Header.Get("Thread-Id") != "t1" {
				t.Error("headers of Codex are missing")
			}
			w.Header().Set("X-Echo", q.Header.Get("Authorization"))
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = fmt.Fprintf(w, "data: {\"type\":\"error\",\"message\":\"bad key %s\"}\n\n", testKey)
		})
		r := post(t, base, `{"input":"`+testKey+`"}`, "Authorization", "Bearer of the agent", "Thread-Id", "t1")
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		if r.StatusCode != http.StatusUnauthorized || !bytes.Contains(text, []byte(withheld)) {
			t.Errorf("%s %s", r.Status, text)
		}
		seen := string(text) + fmt.Sprint(r.Header)
		b.ended(t)
		for _, p := range b.all {
			entry, _ := event.Lookup(p.Kind())
			e, err := event.Encode(&event.Event{ID: event.NewID(), Kind: p.Kind(), Schema: entry.Schema, Session: "s", Time: time.Now(), Actor: event.System, Payload: p})
			if err != nil {
				t.Fatal(err)
			}
			seen += string(e.Public) + string(e.Content)
		}
		if strings.Contains(seen, testKey) {
			t.Errorf("%s: the key got out: %s", kind, seen)
		}
	}
}

func TestDeltasAreRecordedWithTheirEnd(t *testing.T) {
	b := &book{}
	delta := func(item, text string) string {
		return fmt.Sprintf("event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"item_id\":%q,\"delta\":%q}\n\n", item, text)
	}
	blocks := []string{
		": keepalive\n\n", delta("m1", "ghp_"), delta("m1", "whole"),
		"event: response.output_item.done\ndata: {\"type\":\"response.output_item.done\",\"item\":{\"id\":\"m1\",\"text\":\"ghp_whole\"}}\n\n", delta("m2", "not "), delta("m2", "ended"),
	}
	base := start(t, b, func(w http.ResponseWriter, _ *http.Request) {
		sse(w, blocks...)
		panic(http.ErrAbortHandler)
	})
	r := post(t, base, `{}`, "Thread-Id", "t")
	text, err := io.ReadAll(r.Body)
	if err == nil {
		t.Error("the client does not see that the answer is cut")
	}
	if string(text) != strings.Join(blocks, "") {
		t.Errorf("passed on: %q", text)
	}
	end := b.ended(t)
	if rest, _ := end.Unfinished.Reveal(); end.Outcome != "cut" || rest != "not ended" || end.Events != 6 {
		t.Errorf("%+v, unfinished %q", end, rest)
	}
	var data string
	for _, e := range of[*event.ModelEventPayload](b) {
		one, _ := e.Data.Reveal()
		data += one
		if (e.EventKind == "response.output_text.delta") != e.Data.IsZero() || e.Digest == (event.Hash{}) {
			t.Errorf("%+v", e)
		}
	}
	if data != blocks[0]+blocks[3] {
		t.Errorf("recorded: %q", data)
	}
}

func TestLargeBodiesComeInPieces(t *testing.T) {
	b := &book{}
	base := start(t, b, func(w http.ResponseWriter, q *http.Request) {
		n, _ := io.Copy(io.Discard, q.Body)
		sse(w, fmt.Sprintf("data: %d\n\n", n), "data: \""+strings.Repeat("y", maxPiece)+"\"\n\n")
	})
	body := `{"model":"m","input":[` + strings.Repeat(`"x",`, maxPiece/3) + `"x"]}`
	r := post(t, base, body)
	text, err := io.ReadAll(r.Body)
	if err != nil || !strings.HasPrefix(string(text), fmt.Sprintf("data: %d\n", len(body))) {
		t.Errorf("%.40q, %v", text, err)
	}
	b.ended(t)
	whole := ""
	requests := of[*event.ModelRequestPayload](b)
	for i, p := range requests {
		piece, _ := p.Body.Reveal()
		if p.Offset != int64(len(whole)) || p.Last != (i == len(requests)-1) || p.Bytes != int64(len(body)) || p.Model != "m" {
			t.Errorf("piece %d: %+v", i, p)
		}
		whole += piece
	}
	if whole != body || len(requests) != 2 {
		t.Errorf("%d pieces of %d bytes, want %d bytes", len(requests), len(whole), len(body))
	}
	if n := len(of[*event.ModelEventPayload](b)); n != 3 {
		t.Errorf("%d events, want 3", n)
	}
}

func TestAClientThatLeavesEndsTheRequest(t *testing.T) {
	b := &book{}
	gone := make(chan struct{})
	base := start(t, b, func(w http.ResponseWriter, q *http.Request) {
		sse(w, "data: 1\n\n")
		<-q.Context().Done()
		close(gone)
	})
	ctx, cancel := context.WithCancel(t.Context())
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/responses", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = bufio.NewReader(r.Body).ReadString('\n')
	cancel()
	_ = r.Body.Close()
	<-gone
	if end := b.ended(t); end.Outcome != "client_left" {
		t.Errorf("%+v", end)
	}
}

func TestAServerThatIsNotThere(t *testing.T) {
	b := &book{}
	up := httptest.NewServer(nil)
	u, _ := url.Parse(up.URL + "/v1/responses")
	up.Close()
	s, err := Start(t.Context(), Options{Upstream: u, Key: responses.NewAPIKey(testKey), Record: b.record})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
	r := post(t, fmt.Sprintf("http://127.0.0.1:%d", s.Port), "{}")
	text, _ := io.ReadAll(r.Body)
	if r.StatusCode != http.StatusBadGateway || !strings.Contains(string(text), "did not answer: ") {
		t.Errorf("%s %s", r.Status, text)
	}
	if end := b.ended(t); end.Outcome != "unreachable" {
		t.Errorf("%+v", end)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestReadKey(t *testing.T) {
	for text, want := range map[string]string{
		testKey + "\n": testKey, "  a.b_c~+/=\r\n": "a.b_c~+/=", "": "", "\n": "", "two words": "", "a\nb": "", "k\x00": "", strings.Repeat("k", maxKey+1): "",
	} {
		key, err := ReadKey(strings.NewReader(text))
		if key.Reveal() != want || (err == nil) != (want != "") {
			t.Errorf("%.20q: %v", text, err)
		}
		if err != nil && len(text) > 3 && strings.Contains(err.Error(), text) {
			t.Errorf("the error shows what was read: %v", err)
		}
	}
}

func TestCheckUpstream(t *testing.T) {
	for text, good := range map[string]bool{
		"https://api.openai.com/v1/responses": true, "http://127.0.0.1:1/v1/responses": true, "http://localhost/x?api-version=1": true, "https://h/x?api-version=1": true,
		"http://api.openai.com/v1/responses": false, "https://user:pw@h/": false, "ftp://h/": false, "": false, "://": false, "/v1/responses": false, "http://127.0.0.1.evil.test/": false,
	} {
		if _, err := CheckUpstream(text); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzBlocks(f *testing.F) {
	f.Add([]byte("event: a\ndata: {\"type\":\"x.delta\",\"delta\":\"d\",\"item_id\":\"i\"}\n\n: c\r\n\r\ndata: 1"))
	f.Add([]byte("\n\n\n"))
	f.Add([]byte("data: {\"type\":\"response.completed\",\"response\":{\"usage\":{\"input_tokens\":1}}}\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		in := &blocks{bufio.NewReaderSize(bytes.NewReader(b), 16)}
		var all []byte
		for {
			block, err := in.next()
			if len(block) == 0 {
				if !errors.Is(err, io.EOF) {
					t.Fatal(err)
				}
				break
			}
			readBlock(block)
			all = append(all, block...)
		}
		if !bytes.Equal(all, b) {
			t.Fatalf("%q became %q", b, all)
		}
	})
}
