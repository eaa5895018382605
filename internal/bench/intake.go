//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"
)

const (
	intakeBatch   = 512
	intakeSenders = 4
	intakeOurs    = "proctor codex otel-receive"
	intakeDurable = "collector, file_storage with fsync"
	intakeLoose   = "collector, file_storage without fsync"
)

// intakeTasks send the telemetry of Codex over HTTP to receivers that answer when they keep it, each with one processor: proctor, and the receiver of
// the OpenTelemetry Collector with a persistent queue behind (tools/intakepeer), whose destination is away.
func (s settings) intakeTasks(ctx context.Context, r *results) ([]task, error) {
	c := contender{dir: filepath.Join(s.dir, "intake", "proctor")}
	if err := errors.Join(os.RemoveAll(filepath.Join(s.dir, "intake")), c.prepare(ctx)); err != nil {
		return nil, err
	}
	load, err := newTelemetry()
	if err != nil {
		return nil, err
	}
	add := func(name string, at *taker, err error) (task, error) {
		return task{name, func(ctx context.Context) (sample, error) { return load.drive(ctx, at, s.span) }}, err
	}
	ours, err := startReceiver(ctx, r, c.environ(), s.proctor, "codex", "otel-receive", "--otlp-http", "127.0.0.1:0", "--otlp-grpc", "", "--otlp-rate", "100000000")
	t, err := add(intakeOurs, ours, err)
	if err != nil {
		return nil, err
	}
	tasks := []task{t}
	if s.peers == "" {
		r.note("the collector: left out, -peers names no program")
		return tasks, nil
	}
	for name, fsync := range map[string]string{intakeDurable: "true", intakeLoose: "false"} {
		folder := filepath.Join(s.dir, "intake", name)
		port, err := freePort()
		if err == nil {
			err = os.MkdirAll(folder, 0o700)
		}
		if err != nil {
			return nil, err
		}
		peer, err := startReceiver(ctx, r, os.Environ(), s.peers, fmt.Sprintf("127.0.0.1:%d", port), folder, fsync)
		t, err := add(name, peer, err)
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, t)
	}
	return tasks, nil
}

// taker is a program that takes telemetry in.
type taker struct {
	url string
	pid int
}

// startReceiver starts a program on the first processor. Its first line has its address in it.
func startReceiver(ctx context.Context, r *results, env []string, program string, args ...string) (*taker, error) {
	cmd := exec.CommandContext(ctx, "taskset", append([]string{"-c", "0", program}, args...)...)
	cmd.Env, cmd.Stderr = append(slices.Clone(env), "GOMAXPROCS=1"), os.Stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s with taskset: %w", program, err)
	}
	r.after = append(r.after, func() { _ = in.Close(); _ = cmd.Process.Signal(os.Interrupt); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	at := strings.Index(line, "127.0.0.1:")
	if err != nil || at < 0 {
		return nil, fmt.Errorf("start %s: it said %q: %w", program, line, err)
	}
	return &taker{"http://" + strings.Fields(line[at:])[0] + "/v1/logs", cmd.Process.Pid}, nil
}

// reports makes requests: all have the same records but for a number in each, so that none is there already, and the time, which is now.
type reports struct {
	body           []byte
	numbers, times []int // where they are
	next           atomic.Int64
}

const (
	numberMark   = "number-"
	numberDigits = 12
	timeForm     = "2006-01-02T15:04:05.000Z"
)

// after are the places behind a mark.
func after(body []byte, mark string) (places []int) {
	for from := 0; ; {
		i := bytes.Index(body[from:], []byte(mark))
		if i < 0 {
			return places
		}
		from += i + len(mark)
		places = append(places, from)
	}
}

// newTelemetry has the records of a turn of Codex in the proportions of one with a few calls: mostly stream events.
func newTelemetry() (*reports, error) {
	var records []byte
	for n := range intakeBatch {
		attributes := map[string]string{
			"event.timestamp": timeForm, "conversation.id": fmt.Sprintf("01a207ab-9f1f-7ca2-b329-c847928d242%d", n%4), "app.version": "0.169.0",
			"originator": "codex_exec", "terminal.type": "xterm", "slug": "gpt-5.1-codex", "model": numberMark + strings.Repeat("0", numberDigits),
		}
		switch n % 8 {
		case 0:
			attributes["event.name"], attributes["tool_name"], attributes["call_id"], attributes["decision"], attributes["source"] = "codex.tool_decision", "exec_command", "call_1", "approved", "Config"
		case 1:
			attributes["event.name"], attributes["tool_name"], attributes["call_id"], attributes["duration_ms"], attributes["success"] = "codex.tool_result", "exec_command", "call_1", "570", "true"
			attributes["arguments"], attributes["output"] = `{"cmd":"go test ./..."}`, strings.Repeat("ok  example.com/a/package 0.012s\n", 12)
		case 2:
			attributes["event.name"], attributes["duration_ms"], attributes["http.response.status_code"], attributes["attempt"] = "codex.api_request", "812", "200", "0"
		default:
			attributes["event.name"], attributes["event.kind"], attributes["duration_ms"] = "codex.sse_event", "response.output_text.delta", "3"
		}
		var record []byte
		for k, v := range attributes {
			record = framed(record, 6, framed(framed(nil, 1, []byte(k)), 2, framed(nil, 1, []byte(v))))
		}
		records = framed(records, 2, record)
	}
	body := framed(nil, 1, framed(nil, 2, records)) // a resource with a scope
	l := &reports{body: body, numbers: after(body, numberMark), times: after(body, timeForm)}
	var err error
	if len(l.numbers) != intakeBatch || len(l.times) != intakeBatch {
		err = fmt.Errorf("%d numbers and %d times in %d records", len(l.numbers), len(l.times), intakeBatch)
	}
	return l, err
}

// framed adds a field of protobuf that has a length: the one form that a request of OTLP needs.
func framed(to []byte, field byte, b []byte) []byte {
	return append(binary.AppendUvarint(append(to, field<<3|2), uint64(len(b))), b...)
}

// request is a body with new numbers, told now.
func (l *reports) request(into []byte) []byte {
	into = append(into[:0], l.body...)
	n := l.next.Add(intakeBatch)
	for i, at := range l.numbers {
		copy(into[at:], fmt.Sprintf("%0*d", numberDigits, n+int64(i)))
	}
	now := time.Now().UTC().Format(timeForm)
	for _, at := range l.times {
		copy(into[at-len(timeForm):], now)
	}
	return into
}

// drive sends batches for a while, each sender the next when its last was taken.
func (l *reports) drive(ctx context.Context, to *taker, span time.Duration) (s sample, err error) {
	var (
		taken   atomic.Int64
		mu      sync.Mutex // guards s.calls and err
		senders sync.WaitGroup
		client  = http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: intakeSenders}}
	)
	defer client.CloseIdleConnections()
	busy, began := processorTime(to.pid), time.Now()
	for range intakeSenders {
		senders.Go(func() {
			var body []byte
			for ctx.Err() == nil && time.Since(began) < span {
				body = l.request(body)
				at := time.Now()
				e := send(ctx, &client, to.url, body)
				mu.Lock()
				s.calls, err = append(s.calls, time.Since(at)), errors.Join(err, e)
				mu.Unlock()
				if e != nil {
					return
				}
				taken.Add(intakeBatch)
			}
		})
	}
	senders.Wait()
	took := time.Since(began)
	if n := taken.Load(); n > 0 {
		s.wall, s.cpu = time.Duration(int64(took)/n), time.Duration(int64(processorTime(to.pid)-busy)/n)
	}
	return s, err
}

func send(ctx context.Context, c *http.Client, url string, body []byte) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	q.Header.Set("Content-Type", "application/x-protobuf")
	res, err := c.Do(q)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", res.Status, text)
	}
	return err
}

// processorTime is what a process used so far, in the ticks of a hundredth of a second that the kernel counts in.
func processorTime(pid int) time.Duration {
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, after, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond
}

func (r *results) printIntake(w io.Writer, s settings) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%d interleaved rounds of %s, %d senders, batches of %d records, one processor; medians (most)\n\n\trecords/s\tCPU of one, us\tp50 of a batch, ms\n", s.rounds, s.span, intakeSenders, intakeBatch)
	for _, name := range []string{intakeOurs, intakeDurable, intakeLoose} {
		if rates := r.column(name, wall); len(rates) > 0 {
			fmt.Fprintf(t, "%s\t%.0f (%.0f)\t%.1f\t%s\n", name, 1/median(rates).Seconds(), 1/slices.Min(rates).Seconds(), us(median(r.column(name, cpu))), r.millis(name, call))
		}
	}
	fmt.Fprintln(t, "\nratio of records/s, median of the rounds (range)\tmeasured\tgoal")
	for _, peer := range []string{intakeDurable, intakeLoose} {
		if ratios := r.ratios(peer, intakeOurs, wall); len(ratios) > 0 {
			fmt.Fprintf(t, "proctor : %s\t%.2f (%.2f to %.2f)\t%s\n", peer, median(ratios), slices.Min(ratios), slices.Max(ratios), map[string]string{intakeDurable: ">= 1.0", intakeLoose: "-"}[peer])
		}
	}
	t.Flush()
	for _, n := range r.notes {
		fmt.Fprintln(w, n)
	}
}
