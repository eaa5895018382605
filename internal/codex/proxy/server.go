package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"proctor/event"
	"proctor/internal/responses"
)

// Options of a proxy. Upstream, Key and Record are required.
type Options struct {
	// Upstream is where requests go, the whole URL; see CheckUpstream.
	Upstream *url.URL
	Key      responses.APIKey
	// Port of 127.0.0.1; 0 takes a free one.
	Port int
	// Record submits events; wait returns when they are committed. It may be called from several goroutines.
	Record func(ctx context.Context, about Thread, payloads ...event.Payload) (wait func(context.Context) error, err error)
	// Shutdown is called for GET /shutdown; nil refuses it.
	Shutdown func()
	// Concurrent bounds the exchanges at once; 64 when zero.
	Concurrent int
}

// Thread is what a client says that an exchange is about: by its headers, which it may choose.
type Thread struct {
	ID, Turn string
	// Subagent names a conversation beside the main one, such as that of the reviewer.
	Subagent string
}

// CheckUpstream refuses places that the key must not go to: without encryption, unless on this machine.
func CheckUpstream(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("upstream: that is no URL")
	case u.User != nil || u.Fragment != "" || u.Host == "":
		return nil, errors.New("upstream: expected https://HOST/PATH without user and fragment")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return u, nil
	}
	return nil, fmt.Errorf("upstream %s: expected https; the key does not travel in the clear, http is for this machine only", u.Redacted())
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Server is a running proxy.
type Server struct {
	o      Options
	client *http.Client
	http   *http.Server
	slots  chan struct{}
	work   sync.WaitGroup
	// Port that it listens on.
	Port int
}

// Start listens on loopback and serves until Close.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Concurrent <= 0 {
		o.Concurrent = 64
	}
	s := &Server{o: o, slots: make(chan struct{}, o.Concurrent)}
	s.client = &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DisableCompression: true, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 15 * time.Second,
			DialContext: (&net.Dialer{Timeout: 30 * time.Second}).DialContext, ResponseHeaderTimeout: 10 * time.Minute, MaxResponseHeaderBytes: 256 << 10, IdleConnTimeout: time.Minute,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the key goes nowhere else
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", o.Port))
	if err != nil {
		return nil, fmt.Errorf("listen for Codex: %w", err)
	}
	s.Port = l.Addr().(*net.TCPAddr).Port
	s.http = &http.Server{
		Handler: s, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 5 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 256 << 10, ErrorLog: log.New(io.Discard, "", 0),
	}
	s.work.Go(func() { _ = s.http.Serve(l) }) // ends with ErrServerClosed
	return s, nil
}

// Close ends the proxy: exchanges have until ctx ends to come to theirs.
func (s *Server) Close(ctx context.Context) {
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
	s.work.Wait()
	s.client.CloseIdleConnections()
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	host, _, err := net.SplitHostPort(q.Host)
	if err != nil {
		host = q.Host
	}
	switch {
	case q.Header.Get("Origin") != "" || !isLoopback(host):
		refuse(w, http.StatusForbidden, "not for web pages")
	case q.Method == http.MethodGet && q.URL.Path == "/shutdown" && s.o.Shutdown != nil:
		w.WriteHeader(http.StatusOK)
		s.o.Shutdown()
	case q.Method != http.MethodPost || q.RequestURI != "/v1/responses":
		refuse(w, http.StatusForbidden, "only POST /v1/responses is passed on")
	case q.Header.Get("Content-Encoding") != "" && !strings.EqualFold(q.Header.Get("Content-Encoding"), "identity"):
		refuse(w, http.StatusUnsupportedMediaType, "compressed requests are not passed on, since secrets in them could not be masked in the record; use --disable enable_request_compression")
	default:
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
			s.exchange(w, q)
		default:
			w.Header().Set("Retry-After", "1")
			refuse(w, http.StatusServiceUnavailable, "too many requests at once")
		}
	}
}

// refuse answers in the shape of the model server, so that Codex shows the text.
func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"error":{"type":"proctor","message":%q}}`+"\n", "proctor codex proxy: "+text)
}
