package netproxy

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// upgradeOf is the protocol a request wants to switch to, or empty. HTTP/2 is never switched to: its requests would pass
// unseen.
func upgradeOf(r *http.Request) string {
	wants := false
	for _, line := range r.Header.Values("Connection") {
		for name := range strings.SplitSeq(line, ",") {
			wants = wants || strings.EqualFold(strings.TrimSpace(name), "Upgrade")
		}
	}
	to := r.Header.Values("Upgrade")
	if !wants || len(to) != 1 || strings.Contains(to[0], ",") || r.Method != http.MethodGet && r.Method != http.MethodPost ||
		r.Body != nil && r.Body != http.NoBody || strings.HasPrefix(strings.ToLower(strings.TrimSpace(to[0])), "h2") {
		return ""
	}
	return strings.TrimSpace(to[0])
}

// upgraded passes the switch on and carries what follows, as in a tunnel.
func (c *client) upgraded(x *exchange, resp *http.Response) error {
	to := resp.Header.Get("Upgrade")
	asked := resp.Request.Header.Get("Upgrade")
	if asked == "" || !strings.EqualFold(to, asked) {
		_ = x.fail(errors.New("destination switched protocols unasked"))
		_ = x.road.Close()
		return c.last(upstreamFailure()) //nolint:bodyclose // holds no connection
	}
	stripHops(resp.Header)
	resp.Header.Set("Connection", "Upgrade")
	resp.Header.Set("Upgrade", to)
	resp.Status, resp.Body = "", http.NoBody
	if err := resp.Write(onlyWriter{c.conn}); err != nil {
		return x.fail(fmt.Errorf("pass switch of protocols on: %w", err))
	}
	x.tunnelFrom(c.conn, c.in, x.road.in)
	return nil
}
