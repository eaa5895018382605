package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"proctor/bus"
	"proctor/event"
	"proctor/executor/approval"
	"proctor/ledger"
	"proctor/policy"
	"proctor/policy/filesystem"
	"proctor/reviewer"
	"proctor/reviewer/auto"
)

// atOnce is a model that takes no time.
type atOnce struct{}

func (atOnce) Ask(context.Context, auto.Prompt) (auto.Answer, error) {
	return auto.Answer{Text: `{"outcome":"allow","risk_level":"low","user_authorization":"high","rationale":"r"}`}, nil
}

// BenchmarkReview is the whole way of a review beyond the model: request recorded, delivered, prompt built, answer parsed, held
// against the gate, recorded, delivered; over a real ledger and bus. REVIEW_DIR chooses the disk.
func BenchmarkReview(b *testing.B) {
	for _, entries := range []int{10, 60} {
		b.Run(fmt.Sprintf("transcript=%d", entries), func(b *testing.B) { benchmarkReview(b, entries) })
	}
}

func benchmarkReview(b *testing.B, entries int) {
	dir := b.TempDir()
	if at := os.Getenv("REVIEW_DIR"); at != "" {
		var err error
		if dir, err = os.MkdirTemp(at, "review-"); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = os.RemoveAll(dir) })
	}
	l, err := ledger.Open(filepath.Join(dir, "ledger"), ledger.Options{})
	if err != nil {
		b.Fatal(err)
	}
	s, err := bus.Start(bus.Options{})
	if err != nil {
		b.Fatal(err)
	}
	detach, err := s.Attach(l)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { detach(); _ = s.Close(context.Background()); _ = l.Close() })
	const session = "0190a000-0000-7000-8000-000000000001"
	stream, err := event.NewStream(session, 0, "", "", s, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	c := event.ReviewContext{Cwd: "/ws", Sandbox: "workspace-write"}
	plan := filesystem.Plan{Mode: filesystem.WorkspaceWrite, ReadAll: true, Network: filesystem.NetworkOff}
	g, err := approval.New(approval.Options{Stream: stream, Watcher: s, Context: func() event.Sensitive { return event.SecretJSON(c) }, Authority: approval.Authority{
		Approval: policy.ApprovalPolicy{Mode: policy.OnRequest}, Sandbox: policy.WorkspaceWrite, Reviewer: policy.ReviewerAuto, Headless: true, Plan: plan, Escalated: plan,
	}})
	if err != nil {
		b.Fatal(err)
	}
	defer g.Close()
	ctx, cancel := context.WithCancel(b.Context())
	ready, served := make(chan struct{}), make(chan error, 1)
	streams := func(string) (reviewer.Recorder, bool) { return stream, true }
	go func() {
		served <- reviewer.Serve(ctx, requests{s, session, ready}, streams, auto.New(atOnce{}, auto.Options{}), reviewer.Options{})
	}()
	<-ready
	defer func() { cancel(); <-served }()
	var took, commits []time.Duration
	for i := 0; b.Loop(); i++ {
		for range 3 { // the conversation goes on between reviews
			c.Transcript = append(c.Transcript, event.TranscriptEntry{
				Role: event.RoleResult, Tool: "exec_command", Text: strings.Repeat("some line of output\n", 50), Number: i*3 + len(c.Transcript) + 1,
			})
		}
		c.Transcript = c.Transcript[max(0, len(c.Transcript)-entries):]
		start := time.Now() // one commit alone, for comparison
		if _, err := stream.Record(ctx, event.Draft{Payload: &event.HistoryItemPayload{ItemType: "message"}}); err != nil {
			b.Fatal(err)
		}
		commits = append(commits, time.Since(start))
		start = time.Now()
		out, err := g.Rule(ctx, approval.Request{Turn: "t", CallID: fmt.Sprint("c", i), Tool: "exec_command", Namespace: "functions", Action: event.Action{
			Kind: event.ActionCommand, Tool: "exec_command", Argv: []string{"/bin/bash", "-lc", "make install"}, Cwd: "/ws", Permissions: event.RequireEscalated, Justification: "j",
		}})
		took = append(took, time.Since(start))
		if err != nil || !out.Allowed {
			b.Fatalf("%+v, %v", out, err)
		}
	}
	slices.Sort(took)
	slices.Sort(commits)
	at := func(list []time.Duration, p float64) float64 {
		return float64(list[int(p*float64(len(list)-1))].Microseconds()) / 1000
	}
	b.ReportMetric(at(took, 0.5), "p50-ms")
	b.ReportMetric(at(took, 0.99), "p99-ms")
	b.ReportMetric(at(commits, 0.5), "commit-p50-ms")
	b.ReportMetric(at(commits, 0.99), "commit-p99-ms")
	b.ReportMetric(at(took, 0.5)/at(commits, 0.5), "p50-commits")
}
