package otlpsink_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.uber.org/goleak"

	"proctor/internal/otlpsink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t testing.TB, o otlpsink.Options) *otlpsink.Sink {
	t.Helper()
	s, err := otlpsink.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { http.DefaultClient.CloseIdleConnections(); s.Close() })
	return s
}

// body is n log records in protobuf.
func body(t testing.TB, n int) []byte {
	t.Helper()
	ld := plog.NewLogs()
	records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for range n {
		records.AppendEmpty().SetEventName("e")
	}
	b, err := plogotlp.NewExportRequestFromLogs(ld).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func zipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func post(t testing.TB, url, contentType, encoding string, b []byte) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	if encoding != "" {
		req.Header.Set("Content-Encoding", encoding)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(res.Body)
	return res.StatusCode, res.Header, string(answer)
}

const (
	protobuf = "application/x-protobuf"
	jsonType = "application/json"
)

func TestBadRequestsAreRefused(t *testing.T) {
	t.Parallel()
	s := start(t, otlpsink.Options{MaxBody: 10_000})
	cases := []struct {
		name, path, contentType, encoding string
		body                              []byte
		want                              int
	}{
		{"good", "/v1/logs", protobuf, "", body(t, 3), 200},
		{"good gzip", "/v1/logs", protobuf, "gzip", zipped(t, body(t, 3)), 200},
		{"good json", "/v1/logs", jsonType, "", []byte(`{"resourceLogs":[]}`), 200},
		{"wrong path", "/v1/log", protobuf, "", nil, 404},
		{"wrong type", "/v1/logs", "text/plain", "", nil, 415},
		{"not protobuf", "/v1/logs", protobuf, "", []byte("\xff\xff\xff"), 400},
		{"not json", "/v1/metrics", jsonType, "", []byte("{"), 400},
		{"not gzip", "/v1/traces", protobuf, "gzip", []byte("x"), 400},
		{"unknown encoding", "/v1/logs", protobuf, "br", []byte("x"), 400},
		{"too long", "/v1/logs", protobuf, "", make([]byte, 10_001), 413},
		{"gzip bomb", "/v1/logs", protobuf, "gzip", zipped(t, make([]byte, 1<<20)), 413},
	}
	for _, c := range cases {
		if got, _, answer := post(t, s.HTTPURL(c.path), c.contentType, c.encoding, c.body); got != c.want {
			t.Errorf("%s: status %d (%s), want %d", c.name, got, strings.TrimSpace(answer), c.want)
		}
	}
	if got := len(s.Records()); got != 6 {
		t.Errorf("%d records kept, want 6", got)
	}
}

func TestGzipRatioIsBounded(t *testing.T) {
	t.Parallel()
	s := start(t, otlpsink.Options{MaxBody: 64 << 20})
	if got, _, _ := post(t, s.HTTPURL("/v1/logs"), protobuf, "gzip", zipped(t, make([]byte, 8<<20))); got != 413 {
		t.Errorf("status %d for 8 MiB in %d bytes", got, len(zipped(t, make([]byte, 8<<20))))
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	s := start(t, otlpsink.Options{})
	url := s.HTTPURL("/v1/logs")
	s.Set(otlpsink.Fault{Status: 503, RetryAfter: 2 * time.Second, Times: 1})
	if got, h, _ := post(t, url, protobuf, "", body(t, 2)); got != 503 || h.Get("Retry-After") != "2" {
		t.Errorf("status %d, header %v", got, h)
	}
	if got, _, _ := post(t, url, protobuf, "", body(t, 2)); got != 200 {
		t.Errorf("status %d after the fault was used up", got)
	}
	s.Set(otlpsink.Fault{Reject: 1, Message: "no"})
	_, _, answer := post(t, url, protobuf, "", body(t, 2))
	res := plogotlp.NewExportResponse()
	if err := res.UnmarshalProto([]byte(answer)); err != nil || res.PartialSuccess().RejectedLogRecords() != 1 || res.PartialSuccess().ErrorMessage() != "no" {
		t.Errorf("partial success %q: %v", answer, err)
	}
	s.Set(otlpsink.Fault{MaxRequest: 3})
	if got, _, _ := post(t, url, protobuf, "", body(t, 2)); got != 413 {
		t.Errorf("status %d above MaxRequest", got)
	}
	if got := len(s.Records()); got != 3 {
		t.Errorf("%d records kept, want 2 and 1", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if s.Wait(ctx, 3) != nil || s.Wait(ctx, 4) == nil {
		t.Error("Wait counts wrongly")
	}
}

func TestDownRefusesAndUpListensAtTheSamePlace(t *testing.T) {
	t.Parallel()
	s := start(t, otlpsink.Options{})
	url := s.HTTPURL("/v1/logs")
	s.Down()
	if res, err := http.Post(url, protobuf, bytes.NewReader(body(t, 1))); err == nil {
		res.Body.Close()
		t.Error("a sink that is down answers")
	}
	if err := s.Up(); err != nil {
		t.Fatal(err)
	}
	if got, _, _ := post(t, url, protobuf, "", body(t, 1)); got != 200 || s.HTTPURL("/v1/logs") != url {
		t.Errorf("status %d at %s", got, s.HTTPURL("/v1/logs"))
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	s := start(t, otlpsink.Options{MaxItems: 5})
	post(t, s.HTTPURL("/v1/logs"), protobuf, "", body(t, 8))
	if len(s.Records()) != 5 || s.Beyond() != 3 {
		t.Errorf("%d kept, %d beyond", len(s.Records()), s.Beyond())
	}
}

func FuzzRequests(f *testing.F) {
	s := start(f, otlpsink.Options{MaxBody: 1 << 16, MaxItems: 100})
	f.Add(uint8(0), true, body(f, 2))
	f.Add(uint8(1), false, []byte(`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"sum":{"dataPoints":[{"asInt":"1"}]}}]}]}]}`))
	f.Add(uint8(2), false, []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0123456789abcdef0123456789abcdef"}]}]}]}`))
	f.Add(uint8(3), true, zipped(f, body(f, 1)))
	paths := []string{"/v1/logs", "/v1/metrics", "/v1/traces"}
	f.Fuzz(func(t *testing.T, which uint8, binary bool, b []byte) {
		contentType, encoding := jsonType, ""
		if binary {
			contentType = protobuf
		}
		if which%2 == 1 {
			encoding = "gzip"
		}
		status, _, answer := post(t, s.HTTPURL(paths[int(which/2)%3]), contentType, encoding, b)
		if status != 200 && status != 400 && status != 413 {
			t.Errorf("status %d: %s", status, answer)
		}
	})
}
