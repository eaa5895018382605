package responses

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"proctor/internal/fakemodel"
)

func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }

func TestCancelMidStreamReturnsAtOnceAndIsReported(t *testing.T) {
	t.Parallel()
	_, p := start(t, fakemodel.Answer(fakemodel.Say("a")).Ending(fakemodel.EndHang))
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	interrupt := errors.New("interrupted by the user")
	rec := &recorder{}
	obs := rec.observer()
	var began time.Time
	obs.Item = func(Item) error {
		began = time.Now()
		time.AfterFunc(20*time.Millisecond, func() { cancel(interrupt) })
		return nil
	}
	answer, err := newClient(t, p).Stream(ctx, ask(), obs)
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("took %s", took)
	}
	if !errors.Is(err, interrupt) {
		t.Errorf("error %v, want the cause of the cancellation", err)
	}
	if len(rec.broken) != 1 || len(rec.retries) != 0 || len(answer.Kept) != 1 {
		t.Errorf("broken %v, retries %v, kept %v", rec.broken, rec.retries, answer.Kept)
	}
}

func TestCancelWhileWaitingForARetry(t *testing.T) {
	t.Parallel()
	_, p := start(t, fakemodel.Refuse(500, nil).With("Retry-After", "60"))
	client, err := New(p, Options{Getenv: env}) // the real wait
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	ctx, cancel := context.WithCancel(t.Context())
	began := time.Now()
	_, err = client.Stream(ctx, ask(), Observer{Retry: func(r Retry) error {
		if r.Delay != time.Minute {
			t.Errorf("delay %s", r.Delay)
		}
		time.AfterFunc(20*time.Millisecond, cancel)
		return nil
	}})
	if !errors.Is(err, context.Canceled) || time.Since(began) > 30*time.Second {
		t.Errorf("error %v after %s", err, time.Since(began))
	}
}

func TestCancelledAttemptIsReported(t *testing.T) {
	t.Parallel()
	_, p := start(t, fakemodel.Answer().After(time.Minute))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	rec := &recorder{}
	_, err := newClient(t, p).Stream(ctx, ask(), rec.observer())
	if !errors.Is(err, context.DeadlineExceeded) || len(rec.attempts) != 1 || len(rec.retries) != 0 {
		t.Errorf("error %v, attempts %v, retries %v", err, rec.attempts, rec.retries)
	}
}

// A ledger that cannot record ends the call at the very callback.
func TestObserverErrorAborts(t *testing.T) {
	t.Parallel()
	full := errors.New("disk full")
	cut := fakemodel.Answer(fakemodel.Say("a")).Ending(fakemodel.EndEOF)
	for _, name := range []string{"Attempt", "Event", "FirstOutput", "Item", "Broken", "Retry", "Completed"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, p := start(t, cut, fakemodel.Answer(fakemodel.Say("b")))
			rec := &recorder{fail: name, err: full}
			_, err := newClient(t, p).Stream(t.Context(), ask(), rec.observer())
			e, ok := errors.AsType[*ObserverError](err)
			if !ok || e.Callback != name || !errors.Is(err, full) {
				t.Fatalf("error %v", err)
			}
			if last := rec.lines[len(rec.lines)-1]; !strings.HasPrefix(last, name) {
				t.Errorf("something was reported after the refusal: %v", rec.lines)
			}
		})
	}
}

func TestObserverErrorWinsOverCancellation(t *testing.T) {
	t.Parallel()
	_, p := start(t, fakemodel.Answer(fakemodel.Say("a")))
	ctx, cancel := context.WithCancel(t.Context())
	full := errors.New("disk full")
	_, err := newClient(t, p).Stream(ctx, ask(), Observer{Event: func(StreamEvent) error { cancel(); return full }})
	if !errors.Is(err, full) {
		t.Errorf("error %v hides that the event was not recorded", err)
	}
}

func TestItemsOfACutStreamAreKeptAndContinued(t *testing.T) {
	t.Parallel()
	server, p := start(t,
		fakemodel.Answer(fakemodel.Say("half")).Ending(fakemodel.EndReset),
		fakemodel.Answer().Ending(fakemodel.EndEOF).Requiring(`"text":"half"`),
		fakemodel.Answer(fakemodel.Say("whole").Final()).Requiring(`"text":"half"`))
	req := ask()
	continued := 0
	req.Continue = func(kept []Item) ([]json.RawMessage, error) {
		continued++
		return []json.RawMessage{kept[0].Raw}, nil
	}
	rec := &recorder{}
	answer, err := newClient(t, p).Stream(t.Context(), req, rec.observer())
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.Kept) != 1 || answer.Kept[0].Text != "half" || len(answer.Items) != 1 || answer.Items[0].Text != "whole" || len(rec.items) != 2 {
		t.Errorf("kept %+v, items %+v", answer.Kept, answer.Items)
	}
	if n := strings.Count(strings.Join(rec.lines, "\n"), "FirstOutput"); n != 1 {
		t.Errorf("first output reported %d times", n)
	}
	if continued != 1 {
		t.Errorf("continued %d times, want once: the second stream finished nothing", continued)
	}
	if err := server.Finished(); err != nil {
		t.Error(err)
	}
}

func TestConnectionIsReused(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("data: {\"type\":\"response.completed\"}\n\n"))
		_ = http.NewResponseController(w).Flush()
		time.Sleep(5 * time.Millisecond) // the end of the body comes after the client has its answer
	}))
	t.Cleanup(server.Close)
	client := newClient(t, Provider{ID: "p", BaseURL: server.URL})
	dials := countDials(client)
	for range 2 {
		if _, err := client.Stream(t.Context(), ask(), Observer{}); err != nil {
			t.Fatal(err)
		}
	}
	if n := dials.Load(); n != 1 {
		t.Errorf("%d connections for two requests, want 1", n)
	}
}

// countDials counts the connections that client opens from now on.
func countDials(client *Client) *atomic.Int64 {
	var n atomic.Int64
	transport := client.http.Transport.(*http.Transport)
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		n.Add(1)
		return dial(ctx, network, address)
	}
	return &n
}
