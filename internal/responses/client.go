package responses

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Options are what code passes to a client. The zero value works except that
// no environment is read.
type Options struct {
	// Getenv reads the environment; nil means that every variable is unset.
	Getenv func(string) string
	// UserAgent is "proctor" when empty.
	UserAgent string
	// Transport replaces the default one.
	Transport http.RoundTripper
	// Now is the clock of durations; time.Now when nil.
	Now func() time.Time
	// Wait sleeps between retries; it must return ctx's error when that ends
	// first. A timer when nil.
	Wait func(ctx context.Context, d time.Duration) error
	// Jitter gives numbers in [0,1); rand.Float64 when nil.
	Jitter func() float64
}

// Client sends requests to one provider. It is safe for concurrent use.
type Client struct {
	provider Provider
	creds    credentials
	endpoint *url.URL
	http     *http.Client
	opts     Options
}

// New checks the provider and resolves its key. It does not connect.
func New(provider Provider, opts Options) (*Client, error) {
	if err := provider.Validate(); err != nil {
		return nil, err
	}
	opts = opts.withDefaults()
	creds, err := provider.resolve(opts.Getenv)
	if err != nil {
		return nil, err
	}
	endpoint, err := provider.endpoint()
	if err != nil {
		return nil, err
	}
	return &Client{
		provider: provider, creds: creds, endpoint: endpoint, opts: opts,
		http: &http.Client{
			Transport: opts.Transport,
			// A redirect would resend key and prompt to another place.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Close drops idle connections; calls still running are not touched.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Provider returns the provider the client was made for.
func (c *Client) Provider() Provider { return c.provider }

// URL is the address requests go to, without its query.
func (c *Client) URL() string { return bare(c.endpoint) }

// Stream sends req and returns when the answer is complete or has finally
// failed. The error is one of the types of this package, or ctx's.
func (c *Client) Stream(ctx context.Context, req Request, obs Observer) (Response, error) {
	if err := req.validHeaders(); err != nil {
		return Response{}, err
	}
	body, err := req.encode(req.Input)
	if err != nil {
		return Response{}, err
	}
	run := &call{client: c, req: req, obs: obs, body: body}
	return run.loop(ctx)
}

func (o Options) withDefaults() Options {
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	if o.UserAgent == "" {
		o.UserAgent = "proctor"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Wait == nil {
		o.Wait = wait
	}
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	if o.Transport == nil {
		o.Transport = newTransport()
	}
	return o
}

// newTransport has the environment's proxy, no compression (events must arrive
// as they are written) and an end for every wait before the head.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxIdleConns:           8,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    15 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 1 << 20,
	}
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// errIdle is the cause of a cancellation by the idle timer.
var errIdle = errors.New("idle timeout")

// bare is a URL without query and fragment, which may hold secrets.
func bare(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
