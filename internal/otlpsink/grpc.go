package otlpsink

import (
	"context"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	_ "google.golang.org/grpc/encoding/gzip" // requests may be compressed
	"google.golang.org/grpc/metadata"
)

type (
	grpcLogs struct {
		plogotlp.UnimplementedGRPCServer
		sink *Sink
	}
	grpcMetrics struct {
		pmetricotlp.UnimplementedGRPCServer
		sink *Sink
	}
	grpcTraces struct {
		ptraceotlp.UnimplementedGRPCServer
		sink *Sink
	}
)

// admit remembers a request and lets the fault have its way.
func (s *Sink) admit(ctx context.Context, signal string, size int) (Fault, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	s.remember(Request{Transport: "grpc", Signal: signal, Encoding: typeProto, Bytes: size, Headers: md})
	f := s.current()
	if err := s.linger(ctx, f); err != nil {
		return f, err
	}
	if code := f.refusal(size); code != 0 {
		return f, f.grpcError(code)
	}
	return f, nil
}

func (g grpcLogs) Export(ctx context.Context, r plogotlp.ExportRequest) (plogotlp.ExportResponse, error) {
	f, err := g.sink.admit(ctx, "logs", new(plog.ProtoMarshaler).LogsSize(r.Logs()))
	if err != nil {
		return plogotlp.ExportResponse{}, err
	}
	return g.sink.takeLogs(r, f), nil
}

func (g grpcMetrics) Export(ctx context.Context, r pmetricotlp.ExportRequest) (pmetricotlp.ExportResponse, error) {
	f, err := g.sink.admit(ctx, "metrics", new(pmetric.ProtoMarshaler).MetricsSize(r.Metrics()))
	if err != nil {
		return pmetricotlp.ExportResponse{}, err
	}
	return g.sink.takeMetrics(r, f), nil
}

func (g grpcTraces) Export(ctx context.Context, r ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	f, err := g.sink.admit(ctx, "traces", new(ptrace.ProtoMarshaler).TracesSize(r.Traces()))
	if err != nil {
		return ptraceotlp.ExportResponse{}, err
	}
	return g.sink.takeTraces(r, f), nil
}

func (s *Sink) takeLogs(r plogotlp.ExportRequest, f Fault) plogotlp.ExportResponse {
	res := plogotlp.NewExportResponse()
	if n := keep(s, &s.kept.records, recordsOf(r.Logs()), f.Reject); n > 0 {
		res.PartialSuccess().SetRejectedLogRecords(n)
		res.PartialSuccess().SetErrorMessage(f.Message)
	}
	return res
}

func (s *Sink) takeMetrics(r pmetricotlp.ExportRequest, f Fault) pmetricotlp.ExportResponse {
	res := pmetricotlp.NewExportResponse()
	if n := keep(s, &s.kept.points, pointsOf(r.Metrics()), f.Reject); n > 0 {
		res.PartialSuccess().SetRejectedDataPoints(n)
		res.PartialSuccess().SetErrorMessage(f.Message)
	}
	return res
}

func (s *Sink) takeTraces(r ptraceotlp.ExportRequest, f Fault) ptraceotlp.ExportResponse {
	res := ptraceotlp.NewExportResponse()
	if n := keep(s, &s.kept.spans, spansOf(r.Traces()), f.Reject); n > 0 {
		res.PartialSuccess().SetRejectedSpans(n)
		res.PartialSuccess().SetErrorMessage(f.Message)
	}
	return res
}
