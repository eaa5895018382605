// Package otlpsink is a real OTLP receiver for tests and for the demo: logs, metrics
// and traces, over gRPC and over HTTP (protobuf, JSON, gzip), on the loopback
// address. It keeps what it accepted and misbehaves on request.
//
//	sink, err := otlpsink.Start(otlpsink.Options{})
//	defer sink.Close()
//	... export to sink.HTTPURL("/v1/logs") or sink.GRPCURL() ...
//	sink.Set(otlpsink.Fault{Status: 503, RetryAfter: time.Second})
//	for _, r := range sink.Records() { ... }
//
// All methods may be called from any goroutine. Records come in the order of arrival;
// what two transports delivered at the same time has no defined order.
//
// Everything received is hostile: bodies are bounded (Options.MaxBody, default 16 MiB,
// before and after gzip, and at most 200 times the compressed size), as is the number
// of items kept (Options.MaxItems, default a million for each signal; what is beyond is
// only counted). A request that cannot be decoded is answered with 400.
//
// It is not a collector: no queue, nothing on disk.
package otlpsink
