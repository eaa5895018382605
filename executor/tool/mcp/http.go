package mcp

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	// maxBody bounds one answer over HTTP in bytes; an event stream is bounded by the library, event by event.
	maxBody = 16 << 20
	// maxHead is how long a server may take to connect and to greet; calls have their own limit.
	maxHead = 30 * time.Second
)

// httpClient reaches a server. It follows no redirect: headers with secrets go to the configured host alone.
func httpClient(c ServerConfig) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSHandshakeTimeout, t.MaxResponseHeaderBytes, t.DisableCompression = maxHead, 64<<10, true // compressed answers could grow beyond the bound
	return &http.Client{
		Transport:     &carrier{next: t, headers: c.Headers},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// carrier adds the headers and bounds the answers.
type carrier struct {
	next    *http.Transport
	headers map[string]string
}

// RoundTrip implements http.RoundTripper.
func (c *carrier) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for name, value := range c.headers {
		r.Header.Set(name, value)
	}
	resp, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		resp.Body = &bounded{resp.Body, maxBody}
	}
	return resp, nil
}

// CloseIdleConnections is called through http.Client.
func (c *carrier) CloseIdleConnections() { c.next.CloseIdleConnections() }

var errBody = errors.New("the answer of the MCP server is larger than 16 MiB")

// bounded fails when more than left bytes come.
type bounded struct {
	io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errBody
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
