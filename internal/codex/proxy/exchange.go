package proxy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"proctor/event"
)

const (
	// maxBody bounds a request, and an answer that is no stream, in bytes.
	maxBody = 64 << 20
	// maxPiece bounds what one event holds of a body, in bytes.
	maxPiece = 2 << 20
	// maxWaiting bounds the events of a stream that wait for their commit.
	maxWaiting = 256
	// maxOpenText bounds the texts in deltas that are kept until they end, in bytes of one exchange.
	maxOpenText = 1 << 20
	// maxWord bounds words of a client or server that are recorded in the clear.
	maxWord = 200
)

// exchange is one request with its answer.
type exchange struct {
	s       *Server
	w       http.ResponseWriter
	id      string
	about   Thread
	began   time.Time
	ended   event.ModelEndedPayload
	open    map[string]string // texts in deltas, by item
	openLen int
}

// exchange records a request, passes it on, and passes the answer back as far as it is recorded.
func (s *Server) exchange(w http.ResponseWriter, q *http.Request) {
	x := &exchange{s: s, w: w, id: string(event.NewID()), about: threadOf(q.Header), began: time.Now(), open: map[string]string{}}
	body, err := io.ReadAll(http.MaxBytesReader(w, q.Body, maxBody))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the request could not be read, or has more than %d bytes", maxBody))
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // the stream may take longer than a request
	if err := x.request(q.Context(), q.Header, body); err != nil {
		refuse(w, http.StatusServiceUnavailable, "the request could not be recorded, so it was not sent")
		return
	}
	answer, err := s.send(q.Context(), q.Header, body)
	if err != nil {
		outcome := "unreachable"
		if q.Context().Err() != nil {
			outcome = "client_left"
		}
		x.end(q.Context(), outcome, err)
		refuse(w, http.StatusBadGateway, "the model server did not answer: "+string(s.scrub([]byte(reasonOf(err)))))
		return
	}
	defer answer.Body.Close()
	x.answer(q.Context(), answer)
}

// reasonOf is an error without the URL, which people see anyway, and which may be long.
func reasonOf(err error) string {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err.Error()
}

// threadOf reads the headers by which Codex says what a request is about.
func threadOf(h http.Header) Thread {
	var turn struct {
		ID string `json:"turn_id"`
	}
	_ = json.Unmarshal([]byte(h.Get("X-Codex-Turn-Metadata")), &turn) // a word of the client, or none
	t := Thread{ID: h.Get("Thread-Id"), Turn: word(turn.ID), Subagent: word(h.Get("X-Openai-Subagent"))}
	if t.ID == "" {
		t.ID = h.Get("Session-Id")
	}
	return t
}

func word(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxWord)], "") }

// request commits the request.
func (x *exchange) request(ctx context.Context, h http.Header, body []byte) error {
	var asked struct {
		Model  string `json:"model"`
		Stream bool   `json:"stream"`
	}
	_ = json.Unmarshal(body, &asked) // what is no JSON is the server's to refuse
	digest := sha256.Sum256(body)
	left := x.s.scrub(body)
	for offset := 0; offset == 0 || len(left) > 0; {
		piece := left[:pieceEnd(left)]
		left = left[len(piece):]
		wait, err := x.s.o.Record(ctx, x.about, &event.ModelRequestPayload{
			RequestID: x.id, Endpoint: x.s.o.Upstream.Redacted(), Model: word(asked.Model), Stream: asked.Stream, Subagent: x.about.Subagent, Client: word(h.Get("User-Agent")),
			Bytes: int64(len(body)), Digest: digest, Offset: int64(offset), Body: event.Secret(string(piece)), Last: len(left) == 0,
		})
		if err == nil {
			err = wait(ctx)
		}
		if err != nil {
			return err
		}
		offset += max(len(piece), 1)
	}
	return nil
}

// pieceEnd is where a piece of a body ends: behind a quote, so that no text of it is torn, unless that is longer than half a piece.
func pieceEnd(b []byte) int {
	if len(b) <= maxPiece {
		return len(b)
	}
	if i := bytes.LastIndexByte(b[:maxPiece], '"'); i > maxPiece/2 {
		return i + 1
	}
	return maxPiece
}

// hop are headers that belong to one connection (RFC 9110, 7.6.1), and those that are ours to set.
var hop = []string{
	"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Content-Length", "Host",
	"Authorization", "Accept-Encoding",
}

// passed are the headers that go through.
func passed(h http.Header) http.Header {
	out := http.Header{}
	named := strings.Split(h.Get("Connection"), ",")
	for name, values := range h {
		if !slices.Contains(hop, name) && !slices.ContainsFunc(named, func(n string) bool { return strings.EqualFold(strings.TrimSpace(n), name) }) {
			out[name] = values
		}
	}
	return out
}

func (s *Server) send(ctx context.Context, h http.Header, body []byte) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.o.Upstream.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header = passed(h)
	r.Header.Set("Authorization", "Bearer "+s.o.Key.Reveal())
	r.Header.Set("Accept-Encoding", "identity")
	return s.client.Do(r)
}

// answer records the answer and passes it on.
func (x *exchange) answer(ctx context.Context, a *http.Response) {
	kind, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type")) // without one it is no stream
	x.ended.Status = a.StatusCode
	wait, err := x.s.o.Record(ctx, x.about, &event.ModelAnsweredPayload{
		RequestID: x.id, Status: a.StatusCode, ContentType: word(kind), ServerRequestID: word(a.Header.Get("X-Request-Id")), Duration: time.Since(x.began).Milliseconds(),
	})
	if err == nil {
		err = wait(ctx)
	}
	if err != nil {
		x.end(ctx, "not_recorded", err)
		refuse(x.w, http.StatusServiceUnavailable, "the answer could not be recorded, so it is not passed on")
		return
	}
	for name, values := range passed(a.Header) {
		for _, v := range values {
			x.w.Header().Add(name, string(x.s.scrub([]byte(v))))
		}
	}
	x.w.WriteHeader(a.StatusCode)
	var outcome string
	if kind == "text/event-stream" {
		outcome, err = x.stream(ctx, a.Body)
	} else {
		outcome, err = x.whole(ctx, a.Body)
	}
	x.end(ctx, outcome, err)
	if outcome != "completed" { // the client is to see that the answer is cut
		if conn, _, err := http.NewResponseController(x.w).Hijack(); err == nil {
			_ = conn.Close()
		}
	}
}

// waiting is a block on its way to the ledger.
type waiting struct {
	block []byte
	wait  func(context.Context) error
	told  told
}

// stream passes events on, each when it is committed, while the next ones are read and submitted.
func (x *exchange) stream(ctx context.Context, body io.ReadCloser) (outcome string, err error) {
	var reader sync.WaitGroup
	defer reader.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer func() { cancel(); _ = body.Close() }()
	queue := make(chan waiting, maxWaiting)
	read := make(chan error, 1)
	reader.Go(func() {
		defer close(queue)
		in := &blocks{bufio.NewReaderSize(body, 64<<10)}
		for n := int64(1); ; n++ {
			block, err := in.next()
			if len(block) == 0 {
				if errors.Is(err, io.EOF) {
					err = nil
				}
				read <- err
				return
			}
			block = x.s.scrub(block)
			t := readBlock(block)
			wait, err := x.s.o.Record(ctx, x.about, x.payloads(n, block, t)...)
			if err != nil {
				read <- fmt.Errorf("%w: %w", errRecord, err)
				return
			}
			select {
			case queue <- waiting{block, wait, t}:
			case <-ctx.Done():
				read <- ctx.Err()
				return
			}
		}
	})
	flush := http.NewResponseController(x.w)
	for one := range queue {
		if err := one.wait(ctx); err != nil {
			return x.cut(ctx, fmt.Errorf("%w: %w", errRecord, err)), err
		}
		x.follow(one.told)
		x.ended.Events++
		x.ended.Bytes += int64(len(one.block))
		if _, err := x.w.Write(one.block); err != nil {
			return "client_left", err
		}
		if err := flush.Flush(); err != nil {
			return "client_left", err
		}
	}
	if err := <-read; err != nil {
		return x.cut(ctx, err), err
	}
	return "completed", nil
}

var errRecord = errors.New("could not be recorded")

func (x *exchange) cut(ctx context.Context, err error) string {
	switch {
	case errors.Is(err, errRecord) && ctx.Err() == nil:
		return "not_recorded"
	case ctx.Err() != nil:
		return "client_left"
	}
	return "cut"
}

// payloads are the events for one block: more than one where it is large.
func (x *exchange) payloads(n int64, block []byte, t told) []event.Payload {
	p := event.ModelEventPayload{RequestID: x.id, Number: n, EventKind: word(t.kind), Bytes: int64(len(block)), Digest: sha256.Sum256(block), Last: true}
	if t.isDelta {
		return []event.Payload{&p}
	}
	var all []event.Payload
	for left, offset := block, 0; len(left) > 0; {
		piece := left[:pieceEnd(left)]
		left = left[len(piece):]
		one := p
		one.Offset, one.Data, one.Last = int64(offset), event.Secret(string(piece)), len(left) == 0
		all = append(all, &one)
		offset += len(piece)
	}
	return all
}

// follow keeps the texts that came in deltas until they are there whole, and the token counts.
func (x *exchange) follow(t told) {
	switch {
	case t.ends:
		x.openLen -= len(x.open[t.item])
		delete(x.open, t.item)
	case t.isDelta && x.openLen+len(t.delta) <= maxOpenText && len(x.open) < 1000:
		x.open[t.item] += t.delta
		x.openLen += len(t.delta)
	}
	if t.usage != nil {
		x.ended.Usage = event.Usage{Input: t.usage.Input, Cached: t.usage.Details.Cached, Output: t.usage.Output, Reasoning: t.usage.OutputDetails.Reasoning}
	}
}

// whole passes an answer on that is no stream: an error, mostly.
func (x *exchange) whole(ctx context.Context, body io.Reader) (outcome string, err error) {
	b, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	if err == nil && len(b) > maxBody {
		err = fmt.Errorf("the answer has more than %d bytes", maxBody)
	}
	if err != nil {
		return x.cut(ctx, err), err
	}
	if b = x.s.scrub(b); len(b) == 0 {
		return "completed", nil
	}
	for _, p := range x.payloads(1, b, told{}) {
		wait, err := x.s.o.Record(ctx, x.about, p)
		if err == nil {
			err = wait(ctx)
		}
		if err != nil {
			return x.cut(ctx, fmt.Errorf("%w: %w", errRecord, err)), err
		}
	}
	x.ended.Bytes = int64(len(b))
	if _, err := x.w.Write(b); err != nil {
		return "client_left", err
	}
	return "completed", nil
}

// end records how the exchange ended; when that fails there is nothing left to keep back.
func (x *exchange) end(ctx context.Context, outcome string, cause error) {
	p := x.ended
	p.RequestID, p.Outcome, p.Duration = x.id, outcome, time.Since(x.began).Milliseconds()
	if cause != nil {
		p.Error = event.Secret(word(string(x.s.scrub([]byte(reasonOf(cause))))))
	}
	var rest []string
	for _, item := range slices.Sorted(maps.Keys(x.open)) {
		rest = append(rest, x.open[item])
	}
	p.Unfinished = event.Secret(strings.Join(rest, "\n"))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if wait, err := x.s.o.Record(ctx, x.about, &p); err == nil {
		_ = wait(ctx)
	}
}
