package otlpsink

import (
	"context"
	"net/http"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Fault is how the sink misbehaves. The zero value accepts everything.
type Fault struct {
	// Status is an HTTP status to answer with; gRPC answers with the code that OTLP pairs with it.
	Status int
	// RetryAfter is named beside Status: in the header, or as RetryInfo.
	RetryAfter time.Duration
	// Reject is how many items of each request are refused as partial success, with Message.
	Reject  int64
	Message string
	Delay   time.Duration // before the answer
	Hang    bool          // never answer
	// Garbage answers with success and something that is no OTLP, and keeps nothing; over gRPC it breaks the call off.
	Garbage bool
	// MaxRequest refuses requests with more bytes, before compression; 0 means no limit.
	MaxRequest int
	// Times is how many requests are treated so; 0 means all.
	Times int
}

// Set replaces the fault.
func (s *Sink) Set(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault, s.faulted = f, 0
}

// current counts a request against the fault and returns what to do with it.
func (s *Sink) current() Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if s.fault.Times > 0 && s.faulted >= s.fault.Times {
		return Fault{}
	}
	s.faulted++
	return s.fault
}

// linger delays or hangs; the error is that of a caller who went away, or of the sink's end.
func (s *Sink) linger(ctx context.Context, f Fault) error {
	var elapsed <-chan time.Time
	if f.Delay > 0 {
		t := time.NewTimer(f.Delay)
		defer t.Stop()
		elapsed = t.C
	}
	if f.Delay <= 0 && !f.Hang {
		return nil
	}
	select {
	case <-elapsed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.done:
		return context.Canceled
	}
}

// refusal is the HTTP status for a request of size bytes, 0 when it is welcome.
func (f Fault) refusal(size int) int {
	if f.Garbage {
		return http.StatusOK
	}
	if f.MaxRequest > 0 && size > f.MaxRequest {
		return http.StatusRequestEntityTooLarge
	}
	return f.Status
}

var grpcCodes = map[int]codes.Code{
	http.StatusBadRequest: codes.InvalidArgument, http.StatusUnauthorized: codes.Unauthenticated, http.StatusForbidden: codes.PermissionDenied,
	http.StatusNotFound: codes.Unimplemented, http.StatusRequestEntityTooLarge: codes.ResourceExhausted, http.StatusTooManyRequests: codes.ResourceExhausted,
	http.StatusInternalServerError: codes.Internal, http.StatusBadGateway: codes.Unavailable, http.StatusServiceUnavailable: codes.Unavailable,
	http.StatusGatewayTimeout: codes.Unavailable,
}

// grpcError is the gRPC form of an HTTP refusal.
func (f Fault) grpcError(code int) error {
	message := "fault of the sink"
	if code == http.StatusRequestEntityTooLarge {
		message = "grpc: received message larger than max"
	}
	c, ok := grpcCodes[code]
	if !ok {
		c = codes.Unknown
	}
	st := status.New(c, message)
	if f.RetryAfter > 0 {
		if with, err := st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(f.RetryAfter)}); err == nil {
			st = with
		}
	}
	return st.Err()
}
