package otlpsink

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

const (
	typeProto = "application/x-protobuf"
	typeJSON  = "application/json"

	defaultMaxBody = 16 << 20
	maxGzipRatio   = 200
)

// codec is what requests and responses have in common.
type codec interface {
	MarshalProto() ([]byte, error)
	UnmarshalProto([]byte) error
	MarshalJSON() ([]byte, error)
	UnmarshalJSON([]byte) error
}

func (s *Sink) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/logs", func(w http.ResponseWriter, r *http.Request) {
		req := plogotlp.NewExportRequest()
		s.serve(w, r, "logs", req, func(f Fault) codec { return s.takeLogs(req, f) })
	})
	mux.HandleFunc("POST /v1/metrics", func(w http.ResponseWriter, r *http.Request) {
		req := pmetricotlp.NewExportRequest()
		s.serve(w, r, "metrics", req, func(f Fault) codec { return s.takeMetrics(req, f) })
	})
	mux.HandleFunc("POST /v1/traces", func(w http.ResponseWriter, r *http.Request) {
		req := ptraceotlp.NewExportRequest()
		s.serve(w, r, "traces", req, func(f Fault) codec { return s.takeTraces(req, f) })
	})
	return mux
}

// serve answers one request: read, fault, decode, keep.
func (s *Sink) serve(w http.ResponseWriter, r *http.Request, signal string, req codec, take func(Fault) codec) {
	encoding, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || encoding != typeProto && encoding != typeJSON {
		http.Error(w, "content type must be "+typeProto+" or "+typeJSON, http.StatusUnsupportedMediaType)
		return
	}
	body, err := s.read(r)
	if err != nil {
		refuse(w, err)
		return
	}
	s.remember(Request{"http", signal, encoding, r.Header.Get("Content-Encoding") == "gzip", len(body), r.Header.Clone(), body})
	f := s.current()
	if s.linger(r.Context(), f) != nil {
		return
	}
	if code := f.refusal(len(body)); code != 0 {
		if f.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(f.RetryAfter.Seconds())))
		}
		if code == http.StatusOK {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html>Please sign in</html>")
			return
		}
		http.Error(w, "fault of the sink", code)
		return
	}
	if err := decode(req, encoding, body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	reply(w, encoding, take(f))
}

func decode(req codec, encoding string, body []byte) error {
	unmarshal := req.UnmarshalProto
	if encoding == typeJSON {
		unmarshal = req.UnmarshalJSON
	}
	if err := unmarshal(body); err != nil {
		return fmt.Errorf("decode %s: %w", encoding, err)
	}
	return nil
}

func reply(w http.ResponseWriter, encoding string, res codec) {
	marshal := res.MarshalProto
	if encoding == typeJSON {
		marshal = res.MarshalJSON
	}
	b, err := marshal()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", encoding)
	_, _ = w.Write(b)
}

var errTooLarge = errors.New("request too large")

func refuse(w http.ResponseWriter, err error) {
	code := http.StatusBadRequest
	if errors.Is(err, errTooLarge) {
		code = http.StatusRequestEntityTooLarge
	}
	http.Error(w, err.Error(), code)
}

// read returns the body, decompressed, within the bounds.
func (s *Sink) read(r *http.Request) ([]byte, error) {
	limit := s.opts.MaxBody
	if limit <= 0 {
		limit = defaultMaxBody
	}
	body, err := readUpTo(r.Body, limit)
	if err != nil || r.Header.Get("Content-Encoding") == "" {
		return body, err
	}
	if e := r.Header.Get("Content-Encoding"); e != "gzip" {
		return nil, fmt.Errorf("content encoding %q is not gzip", e)
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	return readUpTo(z, min(limit, int64(len(body))*maxGzipRatio))
}

func readUpTo(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("body has more than %d bytes: %w", limit, errTooLarge)
	}
	return b, nil
}
