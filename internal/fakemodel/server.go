package fakemodel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	maxBody = 64 << 20
	// flushAt keeps long streams moving although events are not flushed singly.
	flushAt = 32 << 10
)

// Server plays one scenario once. Make it with New.
type Server struct {
	scenario Scenario
	serving  sync.WaitGroup
	handlers sync.WaitGroup

	mu       sync.Mutex // guards what follows
	http     *http.Server
	closing  bool
	tracks   []*track
	ids      map[string]int
	requests []Request
	kept     int // bytes of bodies in requests
	unmet    []string
}

// track is the state of a Track.
type track struct {
	Track
	match *regexp.Regexp
	next  int
}

// New prepares a server; Start reports mistakes of the scenario.
func New(scenario Scenario) *Server {
	return &Server{scenario: scenario, ids: map[string]int{}}
}

// Start listens on a free port of 127.0.0.1 and returns the base URL, to which
// clients append /responses. It may be called once.
func (s *Server) Start() (baseURL string, err error) {
	if err := s.scenario.Validate(); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing || s.http != nil {
		return "", errors.New("start scripted model: a server starts only once; make another with New")
	}
	for _, t := range s.scenario.tracks() {
		match, err := regexp.Compile(t.Match)
		if err != nil {
			return "", err
		}
		s.tracks = append(s.tracks, &track{Track: t, match: match})
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("start scripted model: listen on loopback: %w", err)
	}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 30 * time.Second}
	s.serving.Go(func() { _ = s.http.Serve(listener) }) // always http.ErrServerClosed
	return "http://" + listener.Addr().String() + "/v1", nil
}

// Close ends every answer and waits for them. It may be called more than once.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closing = true
	server := s.http
	s.mu.Unlock()
	var err error
	if server != nil {
		err = server.Close() // ends the connections, and with them the handlers' contexts
	}
	s.serving.Wait()
	s.handlers.Wait()
	return err
}

// enter counts a handler in, unless the server is closing.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.handlers.Add(1)
	return true
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		return
	}
	defer s.handlers.Done()
	switch {
	case r.URL.Path == "/healthz":
		_, _ = io.WriteString(w, "ok\n")
	case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/models") && s.scenario.Models != nil:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(s.scenario.Models)
	case strings.HasSuffix(r.URL.Path, "/responses") && r.Header.Get("Upgrade") != "":
		http.Error(w, "the scripted model has no WebSocket", http.StatusUpgradeRequired)
	case strings.HasSuffix(r.URL.Path, "/responses") && r.Method == http.MethodPost:
		s.respond(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (s *Server) respond(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "read request: "+err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	step := s.take(r, body)
	if !sleep(r.Context(), step.DelayMS) {
		return
	}
	for name, value := range step.Headers {
		w.Header().Set(name, value)
	}
	if step.refuses() {
		refuse(w, step)
		return
	}
	s.stream(w, r, inSession(step, body))
}

var sessionID = regexp.MustCompile(`session ID (\d+)`)

// inSession is step with "$SESSION" in the arguments of its calls replaced by the number of the running command that the request names last:
// the real CLI chooses it.
func inSession(step Step, body []byte) Step {
	found := sessionID.FindAllSubmatch(body, -1)
	if len(found) == 0 {
		return step
	}
	step.Parts = slices.Clone(step.Parts)
	for i, p := range step.Parts {
		step.Parts[i].Args = bytes.ReplaceAll(p.Args, []byte(`"$SESSION"`), found[len(found)-1][1])
	}
	return step
}

// take records the request and chooses its step.
func (s *Server) take(r *http.Request, body []byte) Step {
	s.mu.Lock()
	defer s.mu.Unlock()
	record := Request{Seq: len(s.requests), Path: r.URL.Path, Query: r.URL.RawQuery, Header: cleanHeader(r.Header), Step: -1}
	step := Answer(Say("(no track matched)"))
	for _, t := range s.tracks {
		if !t.match.Match(body) {
			continue
		}
		record.Track = t.Name
		step, record.Step = t.take()
		break
	}
	record.Unmet = unmet(step, body)
	for _, missed := range record.Unmet {
		s.unmet = append(s.unmet, fmt.Sprintf("request %d (track %q, step %d): %s", record.Seq, record.Track, record.Step, missed))
	}
	if s.kept+len(body) <= maxKeptBodies {
		s.kept += len(body)
		record.Body = body
	} else {
		record.BodyDropped = true
	}
	s.requests = append(s.requests, record)
	return step
}

// take gives the next step and its index; -1 when the script has ended.
func (t *track) take() (Step, int) {
	if t.next >= len(t.Steps) && t.Loop {
		t.next = 0
	}
	if t.next >= len(t.Steps) {
		return Answer(Say("(script ended)")), -1
	}
	t.next++
	return t.Steps[t.next-1], t.next - 1
}

func unmet(step Step, body []byte) []string {
	var missed []string
	for _, expr := range step.Require {
		if !regexp.MustCompile(expr).Match(body) { // compiled once by Validate
			missed = append(missed, "require: "+expr)
		}
	}
	for _, expr := range step.Forbid {
		if regexp.MustCompile(expr).Match(body) {
			missed = append(missed, "forbid: "+expr)
		}
	}
	return missed
}

func refuse(w http.ResponseWriter, step Step) {
	body := []byte(arguments(step.Body))
	if step.Body == nil {
		body = encode(map[string]any{"error": map[string]any{"message": "scripted status", "type": "server_error", "code": nil}})
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(step.Status)
	_, _ = w.Write(body) // a client that left is its own business
}

func (s *Server) stream(w http.ResponseWriter, r *http.Request, step Step) {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "text/event-stream")
	}
	w.WriteHeader(http.StatusOK)
	control := http.NewResponseController(w)
	out := &counted{w: w}
	render := &renderer{out: out, id: s.nextID, pause: func() error {
		if step.GapMS == 0 && out.n < flushAt {
			return nil
		}
		out.n = 0
		if err := control.Flush(); err != nil {
			return err
		}
		if !sleep(r.Context(), step.GapMS) {
			return context.Canceled
		}
		return nil
	}}
	if render.step(step) != nil {
		return
	}
	_ = control.Flush() // fails only when the client has left
	switch step.End {
	case EndHang:
		<-r.Context().Done()
	case EndReset:
		reset(control)
	}
}

// reset closes the connection with RST where that is possible.
func reset(control *http.ResponseController) {
	conn, _, err := control.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) //nolint:forbidigo // how net/http is told to cut the connection
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// sleep waits ms milliseconds; false when client or server went away.
func sleep(ctx context.Context, ms int) bool {
	if ms == 0 {
		return true
	}
	timer := time.NewTimer(time.Duration(ms) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *Server) nextID(prefix string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids[prefix]++
	return fmt.Sprintf("%s_%d", prefix, s.ids[prefix])
}

// counted counts the bytes since the last flush.
type counted struct {
	w io.Writer
	n int
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += n
	return n, err
}

func cleanHeader(header http.Header) http.Header {
	clean := maps.Clone(header)
	if clean.Get("Authorization") != "" {
		clean.Set("Authorization", "(present)")
	}
	return clean
}
