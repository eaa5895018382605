package responses

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"proctor/internal/fakemodel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder writes down what an observer is told, one short line each.
type recorder struct {
	lines    []string
	attempts []Attempt
	events   []StreamEvent
	items    []Item
	retries  []Retry
	broken   []Broken
	done     []Completed
	// fail names a callback that returns err.
	fail string
	err  error
}

func (r *recorder) note(name, format string, args ...any) error {
	r.lines = append(r.lines, strings.TrimSpace(name+" "+fmt.Sprintf(format, args...)))
	if r.fail == name {
		return r.err
	}
	return nil
}

func (r *recorder) observer() Observer {
	return Observer{
		Attempt: func(a Attempt) error {
			r.attempts = append(r.attempts, a)
			return r.note("Attempt", "%d %d %s", a.Attempt, a.Status, a.Err)
		},
		Event: func(e StreamEvent) error {
			r.events = append(r.events, e)
			failed := ""
			if e.Err != "" {
				failed = "!"
			}
			return r.note("Event", "%s%s", strings.TrimPrefix(e.Kind, "response."), failed)
		},
		FirstOutput: func(d time.Duration) error { return r.note("FirstOutput", "") },
		Item: func(i Item) error {
			r.items = append(r.items, i)
			return r.note("Item", "%s", i.Type)
		},
		Broken: func(b Broken) error {
			r.broken = append(r.broken, b)
			return r.note("Broken", "")
		},
		Retry: func(x Retry) error {
			r.retries = append(r.retries, x)
			return r.note("Retry", "%s %d/%d", x.Level, x.N, x.Max)
		},
		Completed: func(c Completed) error {
			r.done = append(r.done, c)
			return r.note("Completed", "")
		},
	}
}

// start plays a scenario and returns the server and a provider for it.
func start(t *testing.T, steps ...fakemodel.Step) (*fakemodel.Server, Provider) {
	t.Helper()
	server := fakemodel.New(fakemodel.Script(steps...))
	baseURL, err := server.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return server, Provider{ID: "mock", BaseURL: baseURL, EnvKey: "TEST_KEY", RequestMaxRetries: new(uint64(2)), StreamMaxRetries: new(uint64(2))}
}

const testKey = "sk-test-0123456789abcdef"

func env(name string) string { return map[string]string{"TEST_KEY": testKey}[name] }

// newClient makes a client that does not sleep between retries.
func newClient(t *testing.T, p Provider) *Client {
	t.Helper()
	client, err := New(p, Options{Getenv: env, Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }, Jitter: func() float64 { return 0.5 }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func ask() Request { return Request{Model: "m", Instructions: "be brief"} }
