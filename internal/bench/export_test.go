//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"

	"proctor/event"
	"proctor/exporters"
	"proctor/exporters/otlp"
	"proctor/ledger"
)

// receiver counts log records over gRPC and does nothing else.
type receiver struct {
	plogotlp.UnimplementedGRPCServer
	records atomic.Int64
	onBatch func(plogotlp.ExportRequest)
}

func (r *receiver) Export(_ context.Context, q plogotlp.ExportRequest) (plogotlp.ExportResponse, error) {
	if r.onBatch != nil {
		r.onBatch(q)
	}
	r.records.Add(int64(q.Logs().LogRecordCount()))
	return plogotlp.NewExportResponse(), nil
}

// receiverEnv makes this program a receiver: receive names its endpoint and then, when its input ends, the records it took, and exits.
const receiverEnv = "PROCTOR_BENCH_RECEIVER"

func receive() {
	if os.Getenv(receiverEnv) == "" {
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	r, s := &receiver{}, grpc.NewServer()
	plogotlp.RegisterGRPCServer(s, r)
	go func() { _ = s.Serve(l) }()
	fmt.Println("http://" + l.Addr().String())
	_, _ = io.Copy(io.Discard, os.Stdin)
	fmt.Println(r.records.Load())
	os.Exit(0)
}

// apart starts a receiver in a process of its own, as both contenders have it.
func apart(b testing.TB) (endpoint string, end func() (records float64, spent time.Duration)) {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), receiverEnv+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	if _, err := fmt.Fscan(out, &endpoint); err != nil {
		b.Fatal(err)
	}
	return endpoint, func() (records float64, spent time.Duration) {
		_ = in.Close()
		if _, err := fmt.Fscan(out, &records); err != nil {
			b.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			b.Fatal(err)
		}
		return records, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
}

func listen(b testing.TB, r *receiver) (endpoint string) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := grpc.NewServer()
	plogotlp.RegisterGRPCServer(s, r)
	go func() { _ = s.Serve(l) }()
	b.Cleanup(s.Stop)
	return "http://" + l.Addr().String()
}

const exportRounds = 5

// BenchmarkExport is log records a second from a ledger on disk to a loopback gRPC receiver, against the exporter of the SDK (otlploggrpc),
// which is fed records of as many attributes from memory by the program that OTEL_PEER names (tools/otelpeer).
func BenchmarkExport(b *testing.B) {
	const records = 20_000
	l, err := ledger.Open(b.TempDir(), ledger.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	fill(b, l, records)
	var ours, theirs, costs, peerCosts, ratios []float64
	for round := range exportRounds {
		contenders := []func(){func() {
			endpoint, end := apart(b)
			began, worked := time.Now(), processor(unix.RUSAGE_SELF)
			flushOnce(b, l, endpoint)
			took, worked := time.Since(began), processor(unix.RUSAGE_SELF)-worked
			arrived, spent := end()
			ours = append(ours, arrived/took.Seconds())
			costs = append(costs, (worked + spent).Seconds())
		}}
		if peer := os.Getenv("OTEL_PEER"); peer != "" {
			contenders = append(contenders, func() {
				endpoint, end := apart(b)
				cmd := exec.Command(peer, endpoint, fmt.Sprint(records))
				out, err := cmd.CombinedOutput()
				arrived, spent := end()
				var seconds, worked float64
				if err != nil {
					b.Fatalf("%v: %s", err, out)
				}
				if _, err := fmt.Sscan(string(out), &seconds, &worked); err != nil || arrived != records {
					b.Fatalf("peer said %q, %.0f records arrived", out, arrived)
				}
				theirs = append(theirs, records/seconds)
				peerCosts = append(peerCosts, worked+spent.Seconds())
			})
		}
		if round%2 == 1 {
			slices.Reverse(contenders)
		}
		for _, run := range contenders {
			run()
		}
		b.Logf("round %d: ours %.0f/s and %.2f s of processor, peer %.0f/s and %.2f s", round, ours[round], costs[round], last(theirs), last(peerCosts))
	}
	for i := range theirs {
		ratios = append(ratios, ours[i]/theirs[i])
	}
	slices.Sort(ratios)
	slices.Sort(ours)
	slices.Sort(costs)
	b.ReportMetric(ours[len(ours)/2], "records/s")
	if len(theirs) > 0 {
		slices.Sort(theirs)
		b.ReportMetric(theirs[len(theirs)/2], "peer-records/s")
		b.ReportMetric(ratios[len(ratios)/2], "ratio")
		slices.Sort(peerCosts)
		b.ReportMetric(peerCosts[len(peerCosts)/2]/costs[len(costs)/2], "processor-ratio")
	}
}

func last(of []float64) float64 {
	if len(of) == 0 {
		return 0
	}
	return of[len(of)-1]
}

// processor is what was used of it so far. Both sides count the receiver with its start; the peer's own start is not counted.
func processor(who int) time.Duration {
	var u unix.Rusage
	if unix.Getrusage(who, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// fill records n stream events in one session.
func fill(b testing.TB, l *ledger.Ledger, n int) {
	b.Helper()
	ms := int64(3)
	s, err := event.NewStream("bench", 0, "0123456789abcdef0123456789abcdef", "0123456789abcdef", direct{l}, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	record := func(p ...event.Draft) {
		if _, err := s.Record(b.Context(), p...); err != nil {
			b.Fatal(err)
		}
	}
	record(event.Draft{Payload: &event.ConversationStartsPayload{AppVersion: "1", Originator: "codex_exec", TerminalType: "dumb", Model: "m", Telemetry: true}})
	for done := 1; done < n; {
		var batch []event.Draft
		for ; len(batch) < 256 && done < n; done++ {
			batch = append(batch, event.Draft{Turn: "t", Payload: &event.SSEEventPayload{EventKind: "response.output_text.delta", Duration: &ms}})
		}
		record(batch...)
	}
}

// direct submits to a ledger without a bus.
type direct struct{ l *ledger.Ledger }

type answered []event.Receipt

func (a answered) Wait(context.Context) ([]event.Receipt, error) { return a, nil }

func (d direct) Submit(ctx context.Context, events ...*event.Event) (event.Pending, error) {
	receipts, err := d.l.Append(ctx, events...)
	return answered(receipts), err
}

// anew has no position, so that each round begins at the beginning.
type anew struct{ *ledger.Ledger }

func (anew) Cursor(string) (event.Seq, error) { return 0, nil }
func (anew) Account(string) ([]byte, error)   { return nil, nil }
func (a anew) Settle(n string, s event.Seq, b []byte, d bool) error {
	return a.Ledger.Settle(n, s, b, d)
}

func flushOnce(b testing.TB, l *ledger.Ledger, endpoint string) {
	b.Helper()
	to, err := otlp.New(otlp.Options{Logs: otlp.Exporter{Kind: otlp.GRPC, Endpoint: endpoint}}, l)
	if err != nil {
		b.Fatal(err)
	}
	head := func(context.Context) (event.Seq, error) { return event.Seq(l.Tree().Size), nil }
	e, err := exporters.New(to[0], l, anew{l}, exporters.Options{Head: head, FromBeginning: true, FlushWithin: 5 * time.Minute})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	e.Flush(b.Context()) // Left looks at a position that anew does not keep; the receiver counts
}

// BenchmarkExportLag is how long after it was recorded a record reaches a loopback receiver, at 1,000 events a second for ten seconds.
func BenchmarkExportLag(b *testing.B) {
	l, err := ledger.Open(b.TempDir(), ledger.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	var lags []time.Duration
	r := &receiver{onBatch: func(q plogotlp.ExportRequest) { // one batch at a time
		now := time.Now()
		for _, rl := range q.Logs().ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, rec := range sl.LogRecords().All() {
					lags = append(lags, now.Sub(rec.ObservedTimestamp().AsTime()))
				}
			}
		}
	}}
	to, err := otlp.New(otlp.Options{Logs: otlp.Exporter{Kind: otlp.GRPC, Endpoint: listen(b, r)}}, l)
	if err != nil {
		b.Fatal(err)
	}
	head := func(context.Context) (event.Seq, error) { return event.Seq(l.Tree().Size), nil }
	e, err := exporters.New(to[0], l, l, exporters.Options{Head: head, FromBeginning: true, FlushWithin: time.Minute})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = e.Run(ctx) }()
	s, err := event.NewStream("lag", 0, "", "", direct{l}, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	ms := int64(3)
	tick := time.NewTicker(10 * time.Millisecond)
	for range 1000 {
		<-tick.C
		var batch []event.Draft
		for range 10 {
			batch = append(batch, event.Draft{Payload: &event.SSEEventPayload{EventKind: "response.output_text.delta", Duration: &ms}})
		}
		if _, err := s.Record(b.Context(), batch...); err != nil {
			b.Fatal(err)
		}
	}
	tick.Stop()
	e.Flush(b.Context())
	cancel()
	<-done
	_ = e.Close()
	slices.Sort(lags)
	if len(lags) != 10_000 {
		b.Fatalf("%d records arrived, want 10000", len(lags))
	}
	b.ReportMetric(float64(lags[len(lags)/2].Milliseconds()), "p50-ms")
	b.ReportMetric(float64(lags[len(lags)*99/100].Milliseconds()), "p99-ms")
}
