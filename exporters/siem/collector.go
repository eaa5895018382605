package siem

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"proctor/exporters"
)

// collector is a Splunk HTTP Event Collector. A batch is delivered when the indexer acknowledged it, and not when the collector took
// it: the token must have indexer acknowledgement on.
type collector struct {
	opts       Options
	events     string
	acks       string
	channel    string
	client     *http.Client
	poll       time.Duration
	resendSlow time.Duration
}

const (
	eventPath = "/services/collector/event"
	ackPath   = "/services/collector/ack"
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 64 << 10
)

func newCollector(o Options, u *url.URL, secure *tls.Config) *collector {
	base := *u
	base.Path = strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), eventPath)
	return &collector{
		opts: o, events: base.String() + eventPath, acks: base.String() + ackPath, channel: uuid.NewString(),
		client: &http.Client{
			Transport:     &http.Transport{TLSClientConfig: secure, MaxIdleConns: 2, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true, Proxy: http.ProxyFromEnvironment},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		poll: 250 * time.Millisecond, resendSlow: 2 * time.Minute,
	}
}

// hecEvent is one event as the collector reads it.
type hecEvent struct {
	Time       json.RawMessage `json:"time"`
	Host       string          `json:"host,omitempty"`
	Source     string          `json:"source"`
	SourceType string          `json:"sourcetype"`
	Index      string          `json:"index,omitempty"`
	Event      json.RawMessage `json:"event"`
}

func (c *collector) frame(r record) []byte {
	e := hecEvent{
		Time: json.RawMessage(fmt.Sprintf("%d.%06d", r.event.Time.Unix(), r.event.Time.Nanosecond()/1000)), Host: c.opts.Host, Source: "proctor",
		SourceType: or(c.opts.SourceType, "proctor:"+c.opts.Format), Index: c.opts.Index, Event: r.line,
	}
	if c.opts.Format == CEF {
		e.Event, _ = json.Marshal(string(r.line)) // texts always have a JSON form
	}
	b, err := line(e)
	if err != nil { // unreachable: the line is JSON
		return nil
	}
	return b
}

// sent is a batch that waits for its acknowledgement.
type sent struct {
	ack int64
	at  time.Time
}

func (c *collector) send(ctx context.Context, frames [][]byte, state *any) (exporters.Result, error) {
	waiting, ok := (*state).(sent)
	if !ok || time.Since(waiting.at) > c.resendSlow {
		ack, err := c.post(ctx, bytes.Join(frames, nil))
		if err != nil {
			return exporters.Result{}, err
		}
		waiting = sent{ack, time.Now()}
		*state = waiting
	}
	for pause := c.poll; ; pause = min(2*pause, 8*c.poll) {
		done, err := c.acknowledged(ctx, waiting.ack)
		if err != nil || done {
			return exporters.Result{}, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return exporters.Result{}, failed(exporters.Retry, "%s has not acknowledged the batch yet: %w", c.events, context.Cause(ctx))
		}
	}
}

func (c *collector) post(ctx context.Context, body []byte) (int64, error) {
	var answer struct {
		Text string `json:"text"`
		Code int    `json:"code"`
		Ack  *int64 `json:"ackId"`
	}
	status, after, err := c.ask(ctx, c.events, body, &answer)
	if err != nil {
		return 0, err
	}
	if status != http.StatusOK {
		class := exporters.Retry
		switch {
		case status == http.StatusRequestEntityTooLarge:
			class = exporters.TooLarge
		case status == http.StatusBadRequest && (answer.Code == 5 || answer.Code == 6 || answer.Code == 12 || answer.Code == 13): // no data, invalid data, event missing or blank
			class = exporters.Rejected
		case status >= 300 && status < 500 && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout:
			class = exporters.Blocked
		}
		return 0, &exporters.SendError{Class: class, After: after, Err: fmt.Errorf("%s answers %d, code %d: %.200q", c.events, status, answer.Code, answer.Text)}
	}
	if answer.Ack == nil {
		return 0, failed(exporters.Blocked, "%s gives no acknowledgement; switch indexer acknowledgement on for the token", c.events)
	}
	return *answer.Ack, nil
}

func (c *collector) acknowledged(ctx context.Context, ack int64) (bool, error) {
	var answer struct {
		Acks map[string]bool `json:"acks"`
	}
	status, after, err := c.ask(ctx, c.acks, fmt.Appendf(nil, `{"acks":[%d]}`, ack), &answer)
	if err != nil {
		return false, err
	}
	if status != http.StatusOK {
		return false, &exporters.SendError{Class: exporters.Retry, After: after, Err: fmt.Errorf("%s answers %d", c.acks, status)}
	}
	return answer.Acks[strconv.FormatInt(ack, 10)], nil
}

func (c *collector) ask(ctx context.Context, to string, body []byte, answer any) (status int, after time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to+"?channel="+c.channel, bytes.NewReader(body))
	if err != nil {
		return 0, 0, failed(exporters.Blocked, "%w", err)
	}
	req.Header.Set("Authorization", "Splunk "+c.opts.Token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Splunk-Request-Channel", c.channel)
	res, err := c.client.Do(req)
	if err != nil {
		return 0, 0, failed(exporters.Retry, "%w", err)
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return 0, 0, failed(exporters.Retry, "read the answer of %s: %w", to, err)
	}
	if json.Unmarshal(data, answer) != nil && res.StatusCode == http.StatusOK {
		return 0, 0, failed(exporters.Retry, "%s answers with %.80q, and that is no collector", to, data)
	}
	if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 {
		after = time.Duration(s) * time.Second
	}
	return res.StatusCode, after, nil
}

func (c *collector) close() error {
	c.client.CloseIdleConnections()
	return nil
}
