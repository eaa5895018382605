package netproxy

import (
	"net/http"
	"strings"
)

// hops are the fields for the next hop only: RFC 9110 section 7.6.1, and the older names in use.
var hops = [...]string{
	"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer",
	"Transfer-Encoding", "Upgrade",
}

// stripHops removes them, and what Connection and Proxy-Connection name.
func stripHops(h http.Header) {
	for _, list := range [][]string{h.Values("Connection"), h.Values("Proxy-Connection")} {
		for _, line := range list {
			for name := range strings.SplitSeq(line, ",") {
				h.Del(strings.TrimSpace(name))
			}
		}
	}
	for _, name := range hops {
		h.Del(name)
	}
}
