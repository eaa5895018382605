package otlp

import (
	"context"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"proctor/exporters"
)

// message is what the request types of all signals have in common.
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
	method  string // of gRPC
	// decode makes an empty response and says how to read its partial success.
	decode func() (answer, func() exporters.Result)
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

func logsCall(request message) call {
	return call{
		request: request, method: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
		decode: func() (answer, func() exporters.Result) {
			r := plogotlp.NewExportResponse()
			return r, func() exporters.Result {
				return exporters.Result{Rejected: r.PartialSuccess().RejectedLogRecords(), Message: r.PartialSuccess().ErrorMessage()}
			}
		},
	}
}

func metricsCall(md pmetric.Metrics) call {
	return call{
		request: pmetricotlp.NewExportRequestFromMetrics(md), method: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
		decode: func() (answer, func() exporters.Result) {
			r := pmetricotlp.NewExportResponse()
			return r, func() exporters.Result {
				return exporters.Result{Rejected: r.PartialSuccess().RejectedDataPoints(), Message: r.PartialSuccess().ErrorMessage()}
			}
		},
	}
}

func tracesCall(td ptrace.Traces) call {
	return call{
		request: ptraceotlp.NewExportRequestFromTraces(td), method: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
		decode: func() (answer, func() exporters.Result) {
			r := ptraceotlp.NewExportResponse()
			return r, func() exporters.Result {
				return exporters.Result{Rejected: r.PartialSuccess().RejectedSpans(), Message: r.PartialSuccess().ErrorMessage()}
			}
		},
	}
}
