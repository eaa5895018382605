package intake

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log"
	"mime"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"

	"proctor/internal/codex"
)

// Options of a receiver. Take is required, and one address.
type Options struct {
	// HTTP and GRPC are host:port, empty for none.
	HTTP, GRPC string
	// Token is what clients bear, empty for none.
	Token string
	// MaxBody bounds a request before and after decompression, in bytes; MaxRatio how much larger it may become. 4 MiB and 100 when zero.
	MaxBody  int64
	MaxRatio int64
	// Rate bounds records a second, with as many at once; 50,000 when zero.
	Rate int
	// Take commits reports; it may be called from several goroutines.
	Take func(context.Context, []codex.Report) error
}

// Why a request is refused.
var (
	errTooLarge = errors.New("request is too large")
	errRate     = errors.New("too many records a second")
	errToken    = errors.New("it does not bear the token")
)

// Receiver is a running one.
type Receiver struct {
	o    Options
	http *http.Server
	grpc *grpc.Server
	// HTTP and GRPC are the addresses that it listens on, empty for none.
	HTTP, GRPC string
	work       sync.WaitGroup

	mu     sync.Mutex
	counts Counts
	left   float64
	filled time.Time
}

// Start listens and serves until Close.
func Start(ctx context.Context, o Options) (*Receiver, error) {
	if o.MaxBody <= 0 {
		o.MaxBody = 4 << 20
	}
	if o.MaxRatio <= 0 {
		o.MaxRatio = 100
	}
	if o.Rate <= 0 {
		o.Rate = 50_000
	}
	r := &Receiver{o: o, left: float64(o.Rate), filled: time.Now()}
	var lc net.ListenConfig
	if o.HTTP != "" {
		l, err := lc.Listen(ctx, "tcp", o.HTTP)
		if err != nil {
			return nil, fmt.Errorf("listen for OTLP over HTTP: %w", err)
		}
		r.HTTP = l.Addr().String()
		r.http = &http.Server{
			Handler: r.handler(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute,
			MaxHeaderBytes: 64 << 10, ErrorLog: log.New(io.Discard, "", 0),
		}
		r.work.Go(func() { _ = r.http.Serve(l) }) // ends with ErrServerClosed
	}
	if o.GRPC != "" {
		l, err := lc.Listen(ctx, "tcp", o.GRPC)
		if err != nil {
			r.Close()
			return nil, fmt.Errorf("listen for OTLP over gRPC: %w", err)
		}
		r.GRPC = l.Addr().String()
		r.grpc = grpc.NewServer(grpc.MaxRecvMsgSize(int(o.MaxBody)), grpc.MaxConcurrentStreams(64))
		plogotlp.RegisterGRPCServer(r.grpc, &grpcLogs{r: r})
		pmetricotlp.RegisterGRPCServer(r.grpc, &grpcMetrics{r: r})
		ptraceotlp.RegisterGRPCServer(r.grpc, &grpcTraces{r: r})
		r.work.Go(func() { _ = r.grpc.Serve(l) })
	}
	return r, nil
}

// Close ends the receiver; requests that are being committed are answered first.
func (r *Receiver) Close() {
	if r.http != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		if r.http.Shutdown(ctx) != nil {
			_ = r.http.Close()
		}
		cancel()
	}
	if r.grpc != nil {
		r.grpc.Stop()
	}
	r.work.Wait()
}

// Counts are what became of records so far.
func (r *Receiver) Counts() Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts
}

// take commits a request.
func (r *Receiver) take(ctx context.Context, req plogotlp.ExportRequest) (plogotlp.ExportResponse, error) {
	res := plogotlp.NewExportResponse()
	if !r.admit(req.Logs().LogRecordCount()) {
		return res, errRate
	}
	reports, c := read(req.Logs())
	if len(reports) > 0 {
		if err := r.o.Take(ctx, reports); err != nil {
			return res, err
		}
	}
	r.mu.Lock()
	r.counts.Taken += c.Taken
	r.counts.Unknown += c.Unknown
	r.counts.Homeless += c.Homeless
	r.mu.Unlock()
	if c.Homeless > 0 {
		res.PartialSuccess().SetRejectedLogRecords(int64(c.Homeless))
		res.PartialSuccess().SetErrorMessage("records without a usable conversation.id were not taken")
	}
	return res, nil
}

// admit lets records through at the rate. A request above a whole second's share counts as that.
func (r *Receiver) admit(n int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.left = min(float64(r.o.Rate), r.left+now.Sub(r.filled).Seconds()*float64(r.o.Rate))
	r.filled = now
	need := min(float64(n), float64(r.o.Rate))
	if r.left < need {
		return false
	}
	r.left -= need
	return true
}

func (r *Receiver) allowed(header string) bool {
	return r.o.Token == "" || subtle.ConstantTimeCompare([]byte(header), []byte("Bearer "+r.o.Token)) == 1
}

const (
	typeProto = "application/x-protobuf"
	typeJSON  = "application/json"
)

type codec interface {
	MarshalProto() ([]byte, error)
	MarshalJSON() ([]byte, error)
}

func (r *Receiver) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/logs", func(w http.ResponseWriter, q *http.Request) {
		r.serve(w, q, func(body []byte, asJSON bool) (codec, error) {
			req := plogotlp.NewExportRequest()
			var err error
			if asJSON {
				err = req.UnmarshalJSON(body)
			} else {
				err = req.UnmarshalProto(body)
			}
			if err != nil {
				return nil, fmt.Errorf("%w: %w", errDecode, err)
			}
			return r.take(q.Context(), req)
		})
	})
	mux.HandleFunc("POST /v1/metrics", func(w http.ResponseWriter, q *http.Request) {
		r.serve(w, q, func([]byte, bool) (codec, error) { return pmetricotlp.NewExportResponse(), nil })
	})
	mux.HandleFunc("POST /v1/traces", func(w http.ResponseWriter, q *http.Request) {
		r.serve(w, q, func([]byte, bool) (codec, error) { return ptraceotlp.NewExportResponse(), nil })
	})
	return mux
}

var errDecode = errors.New("decode the request")

func (r *Receiver) serve(w http.ResponseWriter, q *http.Request, take func([]byte, bool) (codec, error)) {
	kind, _, err := mime.ParseMediaType(q.Header.Get("Content-Type"))
	switch {
	case !r.allowed(q.Header.Get("Authorization")):
		http.Error(w, errToken.Error(), http.StatusUnauthorized)
		return
	case q.Header.Get("Origin") != "":
		http.Error(w, "not for web pages", http.StatusForbidden)
		return
	case err != nil || kind != typeProto && kind != typeJSON:
		http.Error(w, "content type must be "+typeProto+" or "+typeJSON, http.StatusUnsupportedMediaType)
		return
	}
	body, err := r.body(q)
	var res codec
	if err == nil {
		res, err = take(body, kind == typeJSON)
	}
	var b []byte
	if err == nil {
		if kind == typeJSON {
			b, err = res.MarshalJSON()
		} else {
			b, err = res.MarshalProto()
		}
	}
	if err != nil {
		refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(b)
}

func refuse(w http.ResponseWriter, err error) {
	code := http.StatusServiceUnavailable
	switch {
	case errors.Is(err, errTooLarge):
		code = http.StatusRequestEntityTooLarge
	case errors.Is(err, errDecode):
		code = http.StatusBadRequest
	case errors.Is(err, errRate):
		code = http.StatusTooManyRequests
	}
	if code == http.StatusServiceUnavailable || code == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	http.Error(w, strings.ToValidUTF8(err.Error(), ""), code)
}

func (r *Receiver) body(q *http.Request) ([]byte, error) {
	body, err := bounded(q.Body, r.o.MaxBody, q.ContentLength)
	if err != nil {
		return nil, err
	}
	switch q.Header.Get("Content-Encoding") {
	case "", "identity":
		return body, nil
	case "gzip":
	default:
		return nil, fmt.Errorf("%w: content encoding is not gzip", errDecode)
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDecode, err)
	}
	return bounded(z, min(r.o.MaxBody, max(int64(len(body))*r.o.MaxRatio, 64<<10)), 4*int64(len(body)))
}

// maxForeseen bounds the memory that is taken for what a client says it will send.
const maxForeseen = 512 << 10

// bounded reads to the end of in, at most so many bytes; foreseen is how many there may be.
func bounded(in io.Reader, most, foreseen int64) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(int(min(max(foreseen, 0), most, maxForeseen)) + bytes.MinRead)
	n, err := b.ReadFrom(io.LimitReader(in, most+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDecode, err)
	}
	if n > most {
		return nil, fmt.Errorf("%w: more than %d bytes", errTooLarge, most)
	}
	return b.Bytes(), nil
}
