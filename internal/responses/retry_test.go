package responses

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"
)

func TestBackoffDoublesFrom200MillisecondsWithinJitter(t *testing.T) {
	t.Parallel()
	tests := []struct {
		n    int
		want time.Duration
	}{
		{1, 200 * time.Millisecond}, {2, 400 * time.Millisecond}, {3, 800 * time.Millisecond}, {5, 3200 * time.Millisecond},
		{9, 51200 * time.Millisecond}, {10, time.Minute}, {100, time.Minute},
	}
	for _, tt := range tests {
		low, middle, high := backoff(tt.n, 0), backoff(tt.n, 0.5), backoff(tt.n, 0.999999)
		if low != tt.want*9/10 || middle != tt.want || high <= middle || high > tt.want*11/10 {
			t.Errorf("retry %d: %s to %s, want around %s", tt.n, low, high, tt.want)
		}
	}
}

func TestRetryAfterReadsSecondsAndDates(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		name, value string
		want        time.Duration
	}{
		{"Retry-After", "3", 3 * time.Second},
		{"Retry-After", " 1.5 ", 1500 * time.Millisecond},
		{"Retry-After", "-3", 0},
		{"Retry-After", "NaN", 0},
		{"Retry-After", "1e300", 1e6 * time.Second},
		{"Retry-After", "soon", 0},
		{"Retry-After", now.Add(time.Minute).Format(http.TimeFormat), time.Minute},
		{"Retry-After", now.Add(-time.Minute).Format(http.TimeFormat), 0},
		{"Retry-After-Ms", "250", 250 * time.Millisecond},
		{"X", "", 0},
	}
	for _, tt := range tests {
		header := http.Header{}
		header.Set(tt.name, tt.value)
		if got := retryAfter(header, now); got != tt.want {
			t.Errorf("%s: %s = %s, want %s", tt.name, tt.value, got, tt.want)
		}
	}
}

func TestDelayInText(t *testing.T) {
	t.Parallel()
	tests := map[string]time.Duration{
		"Rate limit reached. Please try again in 0.1s.": 100 * time.Millisecond,
		"try again in 28ms":                             28 * time.Millisecond,
		"Try Again In 35 seconds.":                      35 * time.Second,
		"try again in 1 second":                         time.Second,
		"try again in 2 minutes":                        2 * time.Minute,
		"try again in 999999999999999s":                 0,
		"try again later":                               0,
		"try again in 5 sausages":                       0,
		"try again in 999999999 minutes.":               1e6 * time.Second,
	}
	for text, want := range tests {
		if got := delayInText(text); got != want {
			t.Errorf("%q = %s, want %s", text, got, want)
		}
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err  error
		want verdict
	}{
		{&HTTPError{Status: 500}, verdict{request: true, stream: true}},
		{&HTTPError{Status: 503, RetryAfter: time.Second}, verdict{request: true, stream: true, delay: time.Second}},
		{&HTTPError{Status: 429, RetryAfter: time.Second}, verdict{stream: true, delay: time.Second}},
		{&HTTPError{Status: 429, Type: "usage_limit_reached"}, verdict{}},
		{&HTTPError{Status: 408}, verdict{stream: true}},
		{&HTTPError{Status: 400}, verdict{}},
		{&HTTPError{Status: 401}, verdict{}},
		{&HTTPError{Status: 403}, verdict{}},
		{&HTTPError{Status: 200}, verdict{}},
		{&ConnectError{reach: reachMaybe}, verdict{request: true, stream: true}},
		{&ConnectError{reach: reachUnknown}, verdict{request: true}},
		{&ConnectError{reach: reachNever}, verdict{}},
		{&StreamError{}, verdict{stream: true}},
		{&StreamError{Err: fmt.Errorf("x: %w", errTooBig)}, verdict{}},
		{&FailedError{Code: "server_error"}, verdict{stream: true}},
		{&FailedError{}, verdict{stream: true}},
		{&FailedError{Code: "rate_limit_exceeded", RetryAfter: time.Second}, verdict{stream: true, delay: time.Second}},
		{&FailedError{Code: "insufficient_quota"}, verdict{}},
		{&FailedError{Code: "invalid_prompt"}, verdict{}},
		{&FailedError{Code: "context_length_exceeded"}, verdict{}},
		{&ObserverError{Err: &HTTPError{Status: 500}}, verdict{}},
		{errors.New("other"), verdict{}},
		{nil, verdict{}},
	}
	for _, tt := range tests {
		if got := judge(tt.err); got != tt.want {
			t.Errorf("%#v: %+v, want %+v", tt.err, got, tt.want)
		}
	}
}
