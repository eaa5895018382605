package intake

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip" // requests may be compressed
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

type (
	grpcLogs struct {
		plogotlp.UnimplementedGRPCServer
		r *Receiver
	}
	grpcMetrics struct {
		pmetricotlp.UnimplementedGRPCServer
		r *Receiver
	}
	grpcTraces struct {
		ptraceotlp.UnimplementedGRPCServer
		r *Receiver
	}
)

func (r *Receiver) authorize(ctx context.Context) error {
	md, _ := metadata.FromIncomingContext(ctx)
	header := ""
	if all := md.Get("authorization"); len(all) > 0 {
		header = all[0]
	}
	if !r.allowed(header) {
		return status.Error(codes.Unauthenticated, errToken.Error())
	}
	return nil
}

func (g grpcLogs) Export(ctx context.Context, q plogotlp.ExportRequest) (plogotlp.ExportResponse, error) {
	if err := g.r.authorize(ctx); err != nil {
		return plogotlp.NewExportResponse(), err
	}
	res, err := g.r.take(ctx, q)
	switch {
	case errors.Is(err, errRate):
		err = status.Error(codes.ResourceExhausted, err.Error())
	case err != nil:
		err = status.Error(codes.Unavailable, err.Error())
	}
	return res, err
}

func (g grpcMetrics) Export(ctx context.Context, _ pmetricotlp.ExportRequest) (pmetricotlp.ExportResponse, error) {
	return pmetricotlp.NewExportResponse(), g.r.authorize(ctx)
}

func (g grpcTraces) Export(ctx context.Context, _ ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	return ptraceotlp.NewExportResponse(), g.r.authorize(ctx)
}
