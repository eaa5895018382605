package otlp

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"

	"proctor/exporters"
)

const defaultPort = "4317"

type grpcSender struct {
	conn    *grpc.ClientConn
	headers metadata.MD
	opts    []grpc.CallOption
}

func newGRPC(e Exporter, u *url.URL, config *tls.Config, version string) (*grpcSender, error) {
	creds := insecure.NewCredentials()
	if u.Scheme == "https" {
		creds = credentials.NewTLS(config)
	}
	port := u.Port()
	if port == "" {
		port = defaultPort
	}
	conn, err := grpc.NewClient(net.JoinHostPort(u.Hostname(), port),
		grpc.WithTransportCredentials(creds),
		grpc.WithUserAgent("proctor/"+version),
		grpc.WithDisableServiceConfig(), // no policy from the network
		grpc.WithDisableRetry(),         // attempts are counted by the exporter
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer)),
	)
	if err != nil {
		return nil, fmt.Errorf("prepare gRPC to %s: %w", u.Host, err)
	}
	s := &grpcSender{conn: conn, headers: metadata.MD{}, opts: []grpc.CallOption{grpc.ForceCodecV2(encoded{})}}
	for k, v := range e.Headers {
		s.headers.Set(strings.ToLower(k), v)
	}
	if e.Compression == Gzip {
		s.opts = append(s.opts, grpc.UseCompressor(gzip.Name))
	}
	return s, nil
}

func (s *grpcSender) close() error { return s.conn.Close() }

func (s *grpcSender) send(ctx context.Context, c call) (exporters.Result, error) {
	if s.conn.GetState() == connectivity.TransientFailure {
		s.conn.ResetConnectBackoff() // when to try is decided by the exporter
	}
	body, err := c.request.MarshalProto()
	if err != nil {
		return exporters.Result{}, &exporters.SendError{Class: exporters.Rejected, Err: fmt.Errorf("encode batch: %w", err)}
	}
	var answer []byte
	if err := s.conn.Invoke(metadata.NewOutgoingContext(ctx, s.headers), c.method, &body, &answer, s.opts...); err != nil {
		return exporters.Result{}, grpcFault(err)
	}
	response, result := c.decode()
	if err := response.UnmarshalProto(answer); err != nil {
		return exporters.Result{}, &exporters.SendError{
			Class: exporters.Blocked, Err: fmt.Errorf("the answer is success, but its %d bytes are no answer of a collector", len(answer)),
		}
	}
	return result(), nil
}

// encoded is the codec of messages that are protobuf already.
type encoded struct{}

func (encoded) Name() string { return "proto" }

func (encoded) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil
}

func (encoded) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}
