package otlp

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"proctor/exporters"
)

// Classes follow the OTLP specification, failures and throttling. Where it says "do not
// retry" and the fault is not in the data, the class is Blocked, see doc.go.

func httpClass(code int) exporters.Class {
	switch code {
	case http.StatusTooManyRequests, http.StatusRequestTimeout, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return exporters.Retry
	case http.StatusRequestEntityTooLarge:
		return exporters.TooLarge
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return exporters.Rejected
	}
	return exporters.Blocked
}

func grpcClass(code codes.Code, message string, hasRetryInfo bool) exporters.Class {
	switch code {
	case codes.Canceled, codes.DeadlineExceeded, codes.Aborted, codes.Unavailable, codes.DataLoss:
		return exporters.Retry
	case codes.ResourceExhausted, codes.OutOfRange:
		switch {
		case hasRetryInfo:
			return exporters.Retry
		case saysTooLarge(message):
			return exporters.TooLarge
		case code == codes.OutOfRange:
			return exporters.Retry
		}
		return exporters.Blocked
	case codes.InvalidArgument:
		return exporters.Rejected
	}
	return exporters.Blocked
}

// saysTooLarge knows the words of the servers in Go, Java and Rust; the code alone does not tell.
func saysTooLarge(message string) bool {
	m := strings.ToLower(message)
	return strings.Contains(m, "larger than max") || strings.Contains(m, "exceeds maximum") || strings.Contains(m, "too large")
}

// grpcFault turns the status of a call into a SendError.
func grpcFault(err error) error {
	st := status.Convert(err)
	fault := &exporters.SendError{Err: fmt.Errorf("collector answered %s: %s", st.Code(), st.Message())}
	retryInfo := false
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			retryInfo, fault.After = true, info.GetRetryDelay().AsDuration()
		}
	}
	fault.Class = grpcClass(st.Code(), st.Message(), retryInfo)
	return fault
}

// retryAfter reads seconds or a date, RFC 9110 section 10.2.3; 0 when there is none.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if s, err := strconv.ParseInt(v, 10, 32); err == nil {
		return max(0, time.Duration(s)*time.Second)
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}
