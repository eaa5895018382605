package intake

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	grpcgzip "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"proctor/event"
	"proctor/internal/codex"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// taken are the reports that a receiver committed.
type taken struct {
	mu      sync.Mutex
	reports []codex.Report
	fails   error
}

func (s *taken) take(_ context.Context, r []codex.Report) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails != nil {
		return s.fails
	}
	s.reports = append(s.reports, r...)
	return nil
}

func (s *taken) all() []codex.Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]codex.Report{}, s.reports...)
}

func receiver(t testing.TB, o Options) (*Receiver, *taken) {
	t.Helper()
	var into taken
	o.Take = into.take
	o.HTTP, o.GRPC = "127.0.0.1:0", "127.0.0.1:0"
	r, err := Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r, &into
}

// logs are n records of tool results as Codex sends them: numbers and truth values are texts.
func logs(n int, change func(map[string]string)) plogotlp.ExportRequest {
	l := plog.NewLogs()
	records := l.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for i := range n {
		r := records.AppendEmpty()
		r.SetTimestamp(1_700_000_000_000_000_000)
		attributes := map[string]string{
			"event.name": "codex.tool_result", "event.timestamp": "2026-01-02T03:04:05.678Z", "conversation.id": "01a22b11-2b44-78d2-a69c-a3ec47de4be7",
			"call_id": "call_" + string(rune('a'+i%26)) + strings.Repeat("x", i/26), "tool_name": "exec_command", "duration_ms": "570", "success": "true", "output": "hello",
		}
		if change != nil {
			change(attributes)
		}
		for k, v := range attributes {
			r.Attributes().PutStr(k, v)
		}
	}
	return plogotlp.NewExportRequestFromLogs(l)
}

func zipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

type sending struct {
	path, kind, encoding, token, origin string
	body                                []byte
}

func (s sending) to(t testing.TB, r *Receiver) (status int, body string, header http.Header) {
	t.Helper()
	q, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://"+r.HTTP+s.path, bytes.NewReader(s.body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Content-Type": s.kind, "Content-Encoding": s.encoding, "Authorization": s.token, "Origin": s.origin} {
		if value != "" {
			q.Header.Set(name, value)
		}
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b), res.Header
}

func export(t testing.TB, r *Receiver, token string, req plogotlp.ExportRequest) (plogotlp.ExportResponse, error) {
	t.Helper()
	c, err := grpc.NewClient(r.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.UseCompressor(grpcgzip.Name)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	}
	return plogotlp.NewGRPCClient(c).Export(ctx, req)
}

// Every transport gives the same report, which is the same again when it is sent again.
func TestTransportsAgree(t *testing.T) {
	r, into := receiver(t, Options{})
	req := logs(1, nil)
	proto, err := req.MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	text, err := req.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []sending{
		{path: "/v1/logs", kind: typeProto, body: proto},
		{path: "/v1/logs", kind: typeJSON + "; charset=utf-8", body: text},
		{path: "/v1/logs", kind: typeProto, encoding: "gzip", body: zipped(t, proto)},
	} {
		if code, body, _ := s.to(t, r); code != http.StatusOK {
			t.Fatalf("%s %s: %d %s", s.kind, s.encoding, code, body)
		}
	}
	if _, err := export(t, r, "", req); err != nil {
		t.Fatal(err)
	}
	got := into.all()
	if len(got) != 4 {
		t.Fatalf("%d reports", len(got))
	}
	for _, g := range got {
		p, ok := g.Payload.(*event.ToolResultPayload)
		if !ok || g.ID != got[0].ID || g.Session != "01a22b11-2b44-78d2-a69c-a3ec47de4be7-otel" || g.Call != "reported-call_a" ||
			!g.Time.Equal(time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)) || p.Duration != 570 || !p.Success || revealed(p.Output) != "hello" {
			t.Errorf("%+v %+v", g, g.Payload)
		}
	}
	other := logs(1, func(m map[string]string) { m["output"] = "hello!" })
	if _, err := export(t, r, "", other); err != nil {
		t.Fatal(err)
	}
	if got := into.all(); got[4].ID == got[0].ID {
		t.Error("another record has the same id")
	}
	for _, path := range []string{"/v1/metrics", "/v1/traces"} {
		if code, body, _ := (sending{path: path, kind: typeJSON, body: []byte("{}")}).to(t, r); code != http.StatusOK {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	if c := r.Counts(); c != (Counts{Taken: 5}) {
		t.Errorf("%+v", c)
	}
}

// Codex's word cannot name another session than one of reports, nor an event of ours.
func TestReportsStayReports(t *testing.T) {
	r, into := receiver(t, Options{})
	for _, change := range []func(map[string]string){
		func(m map[string]string) { m["event.name"] = "proctor.approval_decided" },
		func(m map[string]string) { m["event.name"] = "codex.no_such_event" },
		func(m map[string]string) { m["conversation.id"] = "" },
		func(m map[string]string) { m["conversation.id"] = "../../x" },
		func(m map[string]string) { m["conversation.id"] = "01a22b11-2b44-78d2-a69c-a3ec47de4be7" + Suffix },
	} {
		res, err := export(t, r, "", logs(1, change))
		if err != nil {
			t.Fatal(err)
		}
		_ = res
	}
	if got := into.all(); len(got) != 0 {
		t.Errorf("taken: %+v", got)
	}
	if c := r.Counts(); c != (Counts{Unknown: 2, Homeless: 3}) {
		t.Errorf("%+v", c)
	}
	res, err := export(t, r, "", logs(2, func(m map[string]string) { m["conversation.id"] = "" }))
	if err != nil || res.PartialSuccess().RejectedLogRecords() != 2 {
		t.Errorf("%v, %v", res.PartialSuccess(), err)
	}
}

// What is too large, compressed too strongly, too fast, without token, from a web page or garbage is refused, with the status that makes an exporter
// do the right thing: only what may work later is to be sent again.
func TestLimits(t *testing.T) {
	proto, err := logs(1, nil).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	bomb := zipped(t, bytes.Repeat([]byte{0}, 1<<20))
	many, err := logs(40, nil).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	const token = "a token of tests"
	for name, c := range map[string]struct {
		o     Options
		s     sending
		code  int
		retry bool
	}{
		"large":               {o: Options{MaxBody: 100}, s: sending{kind: typeProto, body: proto}, code: 413},
		"large when unzipped": {o: Options{MaxBody: 512 << 10, MaxRatio: 1 << 20}, s: sending{kind: typeProto, encoding: "gzip", body: bomb}, code: 413},
		"bomb":                {o: Options{}, s: sending{kind: typeProto, encoding: "gzip", body: bomb}, code: 413},
		"fast":                {o: Options{Rate: 10}, s: sending{kind: typeProto, body: many}, code: 200}, // more than a second's share counts as one
		"no token":            {o: Options{Token: token}, s: sending{kind: typeProto, body: proto}, code: 401},
		"another token":       {o: Options{Token: token}, s: sending{kind: typeProto, body: proto, token: "Bearer " + token + "!"}, code: 401},
		"token":               {o: Options{Token: token}, s: sending{kind: typeProto, body: proto, token: "Bearer " + token}, code: 200},
		"web page":            {o: Options{}, s: sending{kind: typeProto, body: proto, origin: "http://example.com"}, code: 403},
		"garbage":             {o: Options{}, s: sending{kind: typeProto, body: []byte{0xff, 0xff}}, code: 400},
		"garbage JSON":        {o: Options{}, s: sending{kind: typeJSON, body: []byte("{")}, code: 400},
		"not zipped":          {o: Options{}, s: sending{kind: typeProto, encoding: "gzip", body: proto}, code: 400},
		"another encoding":    {o: Options{}, s: sending{kind: typeProto, encoding: "br", body: proto}, code: 400},
		"another type":        {o: Options{}, s: sending{kind: "text/plain", body: proto}, code: 415},
	} {
		t.Run(name, func(t *testing.T) {
			r, into := receiver(t, c.o)
			c.s.path = "/v1/logs"
			code, body, header := c.s.to(t, r)
			if code != c.code || (header.Get("Retry-After") != "") != c.retry || strings.Contains(body, token) {
				t.Errorf("%d %q, %v; want %d", code, body, header, c.code)
			}
			if got := len(into.all()); (got > 0) != (c.code == 200) {
				t.Errorf("%d taken", got)
			}
		})
	}
	t.Run("rate", func(t *testing.T) {
		r, _ := receiver(t, Options{Rate: 1})
		s := sending{path: "/v1/logs", kind: typeProto, body: proto}
		if code, body, _ := s.to(t, r); code != 200 {
			t.Fatal(code, body)
		}
		r.mu.Lock()
		r.left, r.filled = 0, time.Now().Add(time.Hour) // nothing is added meanwhile
		r.mu.Unlock()
		code, _, header := s.to(t, r)
		if code != 429 || header.Get("Retry-After") == "" {
			t.Error(code, header)
		}
		r.mu.Lock()
		r.left, r.filled = 0, time.Now().Add(time.Hour)
		r.mu.Unlock()
		if _, err := export(t, r, "", logs(1, nil)); status.Code(err) != codes.ResourceExhausted {
			t.Error(err)
		}
	})
	t.Run("not recorded", func(t *testing.T) {
		r, into := receiver(t, Options{})
		into.fails = errors.New("disk full")
		code, _, header := sending{path: "/v1/logs", kind: typeProto, body: proto}.to(t, r)
		if code != 503 || header.Get("Retry-After") == "" {
			t.Error(code, header)
		}
		if _, err := export(t, r, "", logs(1, nil)); status.Code(err) != codes.Unavailable {
			t.Error(err)
		}
		if c := r.Counts(); c.Taken != 0 {
			t.Errorf("%+v", c)
		}
	})
	t.Run("grpc", func(t *testing.T) {
		r, _ := receiver(t, Options{Token: token, MaxBody: 64 << 10})
		if _, err := export(t, r, "", logs(1, nil)); status.Code(err) != codes.Unauthenticated {
			t.Error(err)
		}
		if _, err := export(t, r, token, logs(1, nil)); err != nil {
			t.Error(err)
		}
		if _, err := export(t, r, token, logs(1, func(m map[string]string) { m["output"] = strings.Repeat("a", 1<<20) })); status.Code(err) != codes.ResourceExhausted {
			t.Error(err)
		}
	})
}

// FuzzLogs feeds hostile requests: no panic, and what is taken is bounded and belongs to a session of reports.
func FuzzLogs(f *testing.F) {
	proto, err := logs(2, nil).MarshalProto()
	if err != nil {
		f.Fatal(err)
	}
	text, err := logs(1, func(m map[string]string) { m["duration_ms"] = "-9999999999999999999999"; m["success"] = "maybe" }).MarshalJSON()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(proto, false)
	f.Add(text, true)
	if capture, err := os.ReadFile("testdata/codex-0.169.0.json"); err == nil {
		f.Add(capture, true)
	}
	f.Fuzz(func(t *testing.T, body []byte, asJSON bool) {
		req := plogotlp.NewExportRequest()
		if asJSON && req.UnmarshalJSON(body) != nil || !asJSON && req.UnmarshalProto(body) != nil {
			return
		}
		reports, c := read(req.Logs())
		if c.Taken != len(reports) || c.Taken+c.Unknown+c.Homeless != req.Logs().LogRecordCount() {
			t.Errorf("%+v of %d", c, req.Logs().LogRecordCount())
		}
		for _, r := range reports {
			if event.CheckSession(r.Session) != nil || !strings.HasSuffix(r.Session, Suffix) || len(r.Call) > maxID+16 || r.Payload == nil {
				t.Errorf("%+v", r)
			}
		}
	})
}

func revealed(s event.Sensitive) string { text, _ := s.Reveal(); return text }
