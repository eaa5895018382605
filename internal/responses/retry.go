package responses

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	backoffBase = 200 * time.Millisecond
	// backoffCap bounds the growth, which the Codex CLI leaves open.
	backoffCap = 60 * time.Second
	// maxServerDelay is the longest wait a server may ask for; beyond it the
	// call fails and says so.
	maxServerDelay = 5 * time.Minute
)

// backoff is the wait before retry n (from 1): 200 ms doubled each time, spread
// by 0.9 to 1.1. jitter is in [0,1).
func backoff(n int, jitter float64) time.Duration {
	d := backoffCap
	if shift := n - 1; shift < 20 {
		d = min(backoffBase<<max(shift, 0), backoffCap)
	}
	return time.Duration(float64(d) * (0.9 + 0.2*jitter))
}

// verdict says what may follow an error.
type verdict struct {
	request bool          // send the same request again
	stream  bool          // start over
	delay   time.Duration // asked for by the server; 0 means back-off
}

// judge is the whole retry policy.
func judge(err error) verdict {
	switch e := err.(type) { //nolint:errorlint // the error of one attempt is one of these, unwrapped
	case *ConnectError:
		return verdict{request: e.reach != reachNever, stream: e.reach == reachMaybe}
	case *HTTPError:
		switch {
		case finalCode(e.Code) || finalCode(e.Type):
			return verdict{}
		case e.Status >= 500:
			return verdict{request: true, stream: true, delay: e.RetryAfter}
		case e.Status == http.StatusTooManyRequests, e.Status == http.StatusRequestTimeout:
			return verdict{stream: true, delay: e.RetryAfter}
		}
	case *StreamError:
		return verdict{stream: !errors.Is(e, errTooBig)}
	case *FailedError:
		if !finalCode(e.Code) {
			return verdict{stream: true, delay: e.RetryAfter}
		}
	}
	return verdict{}
}

// finalCode lists the error codes that the same request will meet again.
func finalCode(code string) bool {
	switch code {
	case "context_length_exceeded", "insufficient_quota", "usage_not_included", "usage_limit_reached",
		"invalid_prompt", "cyber_policy", "invalid_api_key", "model_not_found", "invalid_request_error",
		"invalid_value", "unsupported_parameter":
		return true
	}
	return false
}

// reachability sorts what went wrong before the response head.
type reachability int

const (
	reachMaybe   reachability = iota // refused, reset, timed out: may come back
	reachUnknown                     // the name does not resolve: a few quick tries only
	reachNever                       // certificate or protocol: trying again is useless
)

// reach sorts a transport error and gives the next step for the user.
func reach(err error, p Provider) (reachability, string) {
	where := "base_url of model provider " + strconv.Quote(p.Label())
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return reachUnknown, "the host name does not resolve: check " + where + " and the network"
	}
	if certificate(err) {
		return reachNever, "the server's certificate was not accepted: check " + where + ", or add its authority to the system's certificates"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") {
		return reachNever, "the server does not speak TLS: use http:// in " + where
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return reachMaybe, "nothing listens there: start the server or correct " + where
	}
	return reachMaybe, "check the network, the proxy variables and " + where
}

func certificate(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return true
	}
	_, ok := errors.AsType[x509.HostnameError](err)
	return ok
}

// retryAfter reads Retry-After (RFC 9110, section 10.2.3: seconds or a date)
// and the finer retry-after-ms.
func retryAfter(header http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(header.Get("Retry-After-Ms"), 64); err == nil {
		return seconds(ms / 1000)
	}
	text := strings.TrimSpace(header.Get("Retry-After"))
	if s, err := strconv.ParseFloat(text, 64); err == nil {
		return seconds(s)
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// tryAgain finds the wait in texts such as "Please try again in 1.5s".
var tryAgain = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)try again in\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(ms|s|seconds?|m|minutes?)\b`)
})

func delayInText(text string) time.Duration {
	found := tryAgain().FindStringSubmatch(text)
	if found == nil {
		return 0
	}
	n, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		return 0
	}
	switch unit := strings.ToLower(found[2]); {
	case unit == "ms":
		return seconds(n / 1000)
	case strings.HasPrefix(unit, "m"):
		return seconds(n * 60)
	default:
		return seconds(n)
	}
}

// seconds converts without overflow; what is not a positive number is 0.
func seconds(s float64) time.Duration {
	if math.IsNaN(s) || s <= 0 {
		return 0
	}
	return time.Duration(min(s, 1e6) * float64(time.Second))
}
