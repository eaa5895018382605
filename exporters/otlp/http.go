package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"

	"proctor/exporters"
)

const (
	typeProto = "application/x-protobuf"
	typeJSON  = "application/json"
	// maxAnswer bounds what is read of an answer; the rest is not needed.
	maxAnswer = 64 << 10
)

type httpSender struct {
	client  *http.Client
	to      Exporter
	version string
}

func newHTTP(e Exporter, config *tls.Config, version string) *httpSender {
	return &httpSender{
		client: &http.Client{
			Transport: &http.Transport{
				Proxy: http.ProxyFromEnvironment, TLSClientConfig: config, ForceAttemptHTTP2: true,
				MaxIdleConnsPerHost: 1, IdleConnTimeout: 90 * time.Second, MaxResponseHeaderBytes: maxAnswer,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		to: e, version: version,
	}
}

func (s *httpSender) close() error {
	s.client.CloseIdleConnections()
	return nil
}

func (s *httpSender) send(ctx context.Context, c call) (exporters.Result, error) {
	req, err := s.request(ctx, c)
	if err != nil {
		return exporters.Result{}, &exporters.SendError{Class: exporters.Rejected, Err: fmt.Errorf("encode batch: %w", err)}
	}
	res, err := s.client.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // without the address, which may hold a credential
		}
		return exporters.Result{}, &exporters.SendError{Err: fmt.Errorf("reach collector: %w", err)}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if res.StatusCode/100 != 2 {
		return exporters.Result{}, httpFault(res, body)
	}
	if err != nil { // accepted or not, we cannot know
		return exporters.Result{}, &exporters.SendError{Err: fmt.Errorf("read answer of collector: %w", err)}
	}
	return readAnswer(c, mediaType(res.Header), body)
}

func (s *httpSender) request(ctx context.Context, c call) (*http.Request, error) {
	encode, contentType := c.request.MarshalProto, typeProto
	if s.to.Protocol == JSON {
		encode, contentType = c.request.MarshalJSON, typeJSON
	}
	body, err := encode()
	if err != nil {
		return nil, err
	}
	if s.to.Compression == Gzip {
		if body, err = compress(body); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.to.Endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "proctor/"+s.version)
	for k, v := range s.to.Headers {
		req.Header.Set(k, v)
	}
	req.Header.Set("Content-Type", contentType)
	if s.to.Compression == Gzip {
		req.Header.Set("Content-Encoding", "gzip")
	}
	return req, nil
}

func compress(b []byte) ([]byte, error) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// readAnswer finds a partial success. Some servers answer with nothing or with a word; but what is no OTLP was not accepted by
// a collector: a proxy or a sign-in page stands in its place.
func readAnswer(c call, mediaType string, body []byte) (exporters.Result, error) {
	if len(body) == 0 || mediaType == "text/plain" {
		return exporters.Result{}, nil
	}
	response, result := c.decode()
	decode := response.UnmarshalProto
	if mediaType == typeJSON {
		decode = response.UnmarshalJSON
	}
	if mediaType != typeJSON && mediaType != typeProto || decode(body) != nil {
		return exporters.Result{}, &exporters.SendError{
			Class: exporters.Blocked, Err: fmt.Errorf("the answer is success, but %d bytes of %s are no answer of a collector", len(body), strconv.Quote(mediaType)),
		}
	}
	return result(), nil
}

func httpFault(res *http.Response, body []byte) error {
	return &exporters.SendError{
		Class: httpClass(res.StatusCode), After: retryAfter(res.Header, time.Now()),
		Err: fmt.Errorf("collector answered %s%s", res.Status, errorText(mediaType(res.Header), body)),
	}
}

// errorText is what the collector says about an error, on one short line.
func errorText(mediaType string, body []byte) string {
	text := ""
	switch {
	case mediaType == typeProto:
		var st spb.Status
		if proto.Unmarshal(body, &st) == nil {
			text = st.GetMessage()
		}
	case mediaType == typeJSON, strings.HasPrefix(mediaType, "text/plain"):
		text = string(body)
	}
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " ")
	if text == "" {
		return ""
	}
	return ": " + text[:min(len(text), 200)]
}

func mediaType(h http.Header) string {
	t, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}
