package responses

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"
)

const (
	endpointPath = "/responses"
	// maxErrorBody bounds what is read of a refusing answer.
	maxErrorBody = 64 << 10
	// drainTime bounds the wait for the end of a body after response.completed,
	// which lets the connection be used again.
	drainTime = 50 * time.Millisecond
)

// attempt sends one HTTP request and, when it is accepted, reads its stream.
func (c *call) attempt(parent context.Context, n int) (Response, error) {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	idle := newIdleTimer(c.client.provider.IdleTimeout(), func() { cancel(errIdle) })
	defer idle.stop()

	start := c.client.opts.Now()
	request, err := c.newRequest(ctx)
	if err != nil {
		return Response{}, err
	}
	fact := Attempt{
		Request: c.requests, Attempt: n, Endpoint: endpointPath,
		HeaderName: authHeader(request.Header),
	}
	fact.HeaderAttached = fact.HeaderName != ""
	c.requests++

	idle.start()
	answer, err := c.client.http.Do(request)
	idle.stop()
	fact.Duration = c.client.opts.Now().Sub(start)
	if err != nil {
		return Response{}, c.unreachable(ctx, parent, fact, err)
	}
	defer answer.Body.Close()

	refused := c.refusal(answer, idle)
	fact.Status = answer.StatusCode
	fact.RequestID = requestID(answer.Header)
	fact.CFRay = foreign(answer.Header.Get("Cf-Ray"))
	if refused != nil {
		fact.Err = fmt.Sprintf("http %d", answer.StatusCode)
		if answer.StatusCode == http.StatusOK {
			fact.Err = "answer is not an event stream"
		}
		fact.AuthError, fact.AuthErrorCode = authError(answer.Header)
	}
	if err := notify("Attempt", c.obs.Attempt, fact); err != nil {
		return Response{}, err
	}
	if refused != nil {
		return Response{}, refused
	}
	stream := &streamReader{call: c, request: fact.Request, start: start, idle: idle, ctx: ctx, parent: parent}
	response, err := stream.readAll(answer.Body)
	if err == nil {
		response.RequestID = fact.RequestID
		drain(answer.Body, cancel)
	}
	return response, err
}

func (c *call) newRequest(ctx context.Context) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.client.endpoint.String(), bytes.NewReader(c.body))
	if err != nil {
		return nil, fmt.Errorf("make request for %s: %w", c.client.URL(), withoutURL(err))
	}
	request.Header.Set("User-Agent", c.client.opts.UserAgent)
	c.req.setHeaders(request.Header)
	c.client.creds.attach(request.Header)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "text/event-stream")
	return request, nil
}

// unreachable records an attempt that got no answer and types its error.
func (c *call) unreachable(ctx, parent context.Context, fact Attempt, err error) error {
	err = withoutURL(err)
	if errors.Is(context.Cause(ctx), errIdle) && parent.Err() == nil {
		err = fmt.Errorf("no answer within %s (stream_idle_timeout_ms)", c.client.provider.IdleTimeout())
	}
	fact.Err = c.client.creds.clean(err.Error())
	if err := notify("Attempt", c.obs.Attempt, fact); err != nil {
		return err
	}
	far, hint := reach(err, c.client.provider)
	return &ConnectError{URL: c.client.URL(), Err: err, Hint: hint, reach: far}
}

// refusal returns the error of an answer that is not an event stream, else nil.
func (c *call) refusal(answer *http.Response, idle *idleTimer) error {
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	page := kind == "text/html" || kind == "application/json"
	if answer.StatusCode == http.StatusOK && !page {
		return nil
	}
	idle.start()
	body, _ := io.ReadAll(io.LimitReader(answer.Body, maxErrorBody)) // a cut body still explains something
	idle.stop()
	return c.client.httpError(answer, kind, body)
}

// withoutURL takes the *url.Error off, whose text repeats the whole URL with
// its query.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// authError reads what the service says in headers about a refused key.
func authError(header http.Header) (text, code string) {
	text = foreign(header.Get("X-Openai-Authorization-Error"))
	raw, err := base64.StdEncoding.DecodeString(header.Get("X-Error-Json"))
	if err != nil {
		return text, ""
	}
	var body struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	_ = json.Unmarshal(raw, &body) // absent or foreign: no code
	return text, foreign(body.Error.Code)
}

// drain reads the few bytes after response.completed.
func drain(body io.Reader, cancel context.CancelCauseFunc) {
	timer := time.AfterFunc(drainTime, func() { cancel(nil) })
	defer timer.Stop()
	_, _ = io.CopyN(io.Discard, body, maxErrorBody) // only to reuse the connection
}

// idleTimer ends a request when nothing arrives; it runs only while the client
// waits for the network, never during a callback.
type idleTimer struct {
	limit time.Duration
	fire  func()
	timer *time.Timer
}

func newIdleTimer(limit time.Duration, fire func()) *idleTimer {
	return &idleTimer{limit: limit, fire: fire}
}

func (t *idleTimer) start() {
	if t.timer == nil {
		t.timer = time.AfterFunc(t.limit, t.fire)
		return
	}
	t.timer.Reset(t.limit)
}

func (t *idleTimer) stop() {
	if t.timer != nil {
		t.timer.Stop()
	}
}
