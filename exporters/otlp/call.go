package otlp

import (
	"context"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"

	"proctor/exporters"
)

// message is what the request and response types of all signals have in common.
type message interface {
	MarshalProto() ([]byte, error)
	MarshalJSON() ([]byte, error)
}

type answer interface {
	UnmarshalProto([]byte) error
	UnmarshalJSON([]byte) error
}

// call is one export request of any signal, ready for any transport.
type call struct {
	request message
	// decode makes an empty response and says how to read its partial success.
	decode func() (answer, func() exporters.Result)
	grpc   func(context.Context, *grpc.ClientConn, ...grpc.CallOption) (exporters.Result, error)
}

// sender delivers calls to one collector. Errors are *exporters.SendError where the collector answered.
type sender interface {
	send(ctx context.Context, c call) (exporters.Result, error)
	close() error
}

// target is a sender as the batches know it.
type target struct {
	sender
	json bool // bodies are JSON, which takes more bytes than protobuf
}

// jsonFactor estimates the size of a JSON body from that of the protobuf form: keys and
// type names of some 25 short attributes triple it.
const jsonFactor = 3

// weigh turns a protobuf size into the size on the wire.
func (t target) weigh(proto int) int {
	if t.json {
		return proto * jsonFactor
	}
	return proto
}

func logsCall(ld plog.Logs) call {
	req := plogotlp.NewExportRequestFromLogs(ld)
	result := func(r plogotlp.ExportResponse) exporters.Result {
		return exporters.Result{Rejected: r.PartialSuccess().RejectedLogRecords(), Message: r.PartialSuccess().ErrorMessage()}
	}
	return call{
		request: req,
		decode: func() (answer, func() exporters.Result) {
			r := plogotlp.NewExportResponse()
			return r, func() exporters.Result { return result(r) }
		},
		grpc: func(ctx context.Context, c *grpc.ClientConn, opts ...grpc.CallOption) (exporters.Result, error) {
			r, err := plogotlp.NewGRPCClient(c).Export(ctx, req, opts...)
			if err != nil {
				return exporters.Result{}, err
			}
			return result(r), nil
		},
	}
}

func metricsCall(md pmetric.Metrics) call {
	req := pmetricotlp.NewExportRequestFromMetrics(md)
	result := func(r pmetricotlp.ExportResponse) exporters.Result {
		return exporters.Result{Rejected: r.PartialSuccess().RejectedDataPoints(), Message: r.PartialSuccess().ErrorMessage()}
	}
	return call{
		request: req,
		decode: func() (answer, func() exporters.Result) {
			r := pmetricotlp.NewExportResponse()
			return r, func() exporters.Result { return result(r) }
		},
		grpc: func(ctx context.Context, c *grpc.ClientConn, opts ...grpc.CallOption) (exporters.Result, error) {
			r, err := pmetricotlp.NewGRPCClient(c).Export(ctx, req, opts...)
			if err != nil {
				return exporters.Result{}, err
			}
			return result(r), nil
		},
	}
}

func tracesCall(td ptrace.Traces) call {
	req := ptraceotlp.NewExportRequestFromTraces(td)
	result := func(r ptraceotlp.ExportResponse) exporters.Result {
		return exporters.Result{Rejected: r.PartialSuccess().RejectedSpans(), Message: r.PartialSuccess().ErrorMessage()}
	}
	return call{
		request: req,
		decode: func() (answer, func() exporters.Result) {
			r := ptraceotlp.NewExportResponse()
			return r, func() exporters.Result { return result(r) }
		},
		grpc: func(ctx context.Context, c *grpc.ClientConn, opts ...grpc.CallOption) (exporters.Result, error) {
			r, err := ptraceotlp.NewGRPCClient(c).Export(ctx, req, opts...)
			if err != nil {
				return exporters.Result{}, err
			}
			return result(r), nil
		},
	}
}
