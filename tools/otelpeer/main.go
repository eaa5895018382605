// Command otelpeer sends log records from memory with the OpenTelemetry SDK's own exporter, and prints the seconds that took and those of
// processor time. It is the yardstick of BenchmarkExport in internal/bench, in a module of its own because the product does without that exporter.
//
//	otelpeer ENDPOINT RECORDS
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/log"
	sdk "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/log/logtest"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	n, err := strconv.Atoi(os.Args[2])
	if err != nil {
		return err
	}
	ctx := context.Background()
	e, err := otlploggrpc.New(ctx, otlploggrpc.WithEndpointURL(os.Args[1]))
	if err != nil {
		return err
	}
	records := make([]sdk.Record, 512)
	for i := range records {
		f := logtest.RecordFactory{EventName: "codex.sse_event", Timestamp: time.Now(), ObservedTimestamp: time.Now(), Severity: log.SeverityInfo, SeverityText: "INFO"}
		for a := range 17 { // as many attributes as a record of ours has, of like lengths
			f.Attributes = append(f.Attributes, attribute.String(fmt.Sprintf("attribute.name.%d", a), "0199c1d2-7f00-7000-8000-000000000001"))
		}
		records[i] = f.NewRecord()
	}
	began, worked := time.Now(), processor()
	for left := n; left > 0; left -= len(records) {
		if err := e.Export(ctx, records[:min(left, len(records))]); err != nil {
			return err
		}
	}
	fmt.Println(time.Since(began).Seconds(), (processor() - worked).Seconds())
	return e.Shutdown(ctx)
}

// processor is the time of it that this process used so far.
func processor() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
