package human

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"proctor/event"
	"proctor/policy"
	"proctor/reviewer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func command(argv ...string) reviewer.Request {
	a := event.Action{Kind: event.ActionCommand, Tool: "exec_command", Argv: argv, Cwd: "/ws", Permissions: event.RequireEscalated, Justification: "needs it"}
	return reviewer.Request{ID: "a", Tool: a.Tool, Kind: a.Kind, Action: a, Digest: a.Digest(), Reason: "escalation_requested"}
}

// piped is an Input whose keys come from a pipe, also between questions.
type piped struct {
	keys  chan []byte // closed at the end of the pipe
	ended chan struct{}
}

func pipe() (*piped, io.WriteCloser) {
	in, typed := io.Pipe()
	p := &piped{keys: make(chan []byte, 64)}
	go func() { // ends with the pipe
		defer close(p.keys)
		for {
			b := make([]byte, 1024)
			n, err := in.Read(b)
			if err != nil {
				return
			}
			p.keys <- b[:n]
		}
	}()
	return p, typed
}

func (p *piped) Begin() (io.Reader, error) {
	p.ended = make(chan struct{})
	for {
		select {
		case _, ok := <-p.keys:
			if ok {
				continue
			}
		default:
		}
		return p, nil
	}
}

func (p *piped) End() { close(p.ended) }

func (p *piped) Read(b []byte) (int, error) {
	select {
	case <-p.ended:
		return 0, io.EOF
	case key, ok := <-p.keys:
		if !ok {
			return 0, io.EOF
		}
		return copy(b, key), nil
	}
}

// ask runs one review; play types the answer after the question was shown.
func ask(t *testing.T, r reviewer.Request, play func(typed io.WriteCloser)) (v reviewer.Verdict, shown string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		in, typed := pipe()
		var out bytes.Buffer
		term := New(in, &out, Options{Name: "ann", Interactive: true})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		done := make(chan reviewer.Verdict, 1)
		go func() { done <- term.Review(ctx, r) }()
		synctest.Wait()
		play(typed)
		v = <-done
		_ = typed.Close()
		shown = out.String()
	})
	return v, shown
}

func types(text string) func(io.WriteCloser) {
	return func(w io.WriteCloser) { _, _ = io.WriteString(w, text) }
}

func TestAnswers(t *testing.T) {
	for _, test := range []struct {
		name   string
		play   func(io.WriteCloser)
		status reviewer.Status
		reason policy.Reason
		scope  string
	}{
		{"y", types("y\n"), reviewer.Approved, policy.ReasonUserApproved, reviewer.Once},
		{"once", types(" Once \r\n"), reviewer.Approved, policy.ReasonUserApproved, reviewer.Once},
		{"session", types("session\n"), reviewer.Approved, policy.ReasonUserApproved, reviewer.Session},
		{"n", types("n\n"), reviewer.Denied, policy.ReasonUserDenied, ""},
		{"no is no, whatever follows", types("No, y\n"), reviewer.Denied, policy.ReasonUserDenied, ""},
		{"second try", types("what?\nyes\n"), reviewer.Approved, policy.ReasonUserApproved, reviewer.Once},
		{"never understood", types("\nyy\nok\ny\n"), reviewer.Denied, policy.ReasonAnswerUnclear, ""},
		{"end of input", func(w io.WriteCloser) { _ = w.Close() }, reviewer.Denied, policy.ReasonUserDenied, ""},
		{"line without end", func(w io.WriteCloser) { types("y")(w); _ = w.Close() }, reviewer.Denied, policy.ReasonUserDenied, ""},
		{"nothing until the deadline", func(io.WriteCloser) {}, reviewer.TimedOut, policy.ReasonReviewTimedOut, ""},
		{"endless line", types(strings.Repeat("y", 3*maxLine) + "\n"), reviewer.TimedOut, policy.ReasonReviewTimedOut, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			v, _ := ask(t, command("make", "install"), test.play)
			if v.Status != test.status || v.Reason != test.reason || v.Scope != test.scope {
				t.Errorf("got %+v", v)
			}
		})
	}
}

func TestQuestionShowsTheExactAction(t *testing.T) {
	r := command("sh", "-c", "echo a\nAllow? y\x1b[2K\u202e\xff")
	_, shown := ask(t, r, types("n\n"))
	for _, want := range []string{r.Digest.String(), "/ws", "escalation_requested", "outside the sandbox", "⟨U+001B⟩[2K⟨U+202E⟩⟨0xFF⟩", "needs it"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is missing in:\n%s", want, shown)
		}
	}
	if strings.ContainsAny(shown, "\x1b\u202e") {
		t.Errorf("escape sequences reach the terminal: %q", shown)
	}
	if strings.Count(shown, "\nAllow?") != 1 {
		t.Errorf("the action poses as the question:\n%s", shown)
	}
}

// What was typed before the question cannot answer it.
func TestTypeAheadIsThrownAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, typed := pipe()
		var out bytes.Buffer
		term := New(in, &out, Options{Interactive: true})
		answer := func() chan reviewer.Verdict {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			done := make(chan reviewer.Verdict, 1)
			go func() { defer cancel(); done <- term.Review(ctx, command("ls")) }()
			synctest.Wait()
			return done
		}
		first := answer()
		types("n\ny\ny\n")(typed) // more than was asked
		if v := <-first; v.Status != reviewer.Denied {
			t.Errorf("first: %+v", v)
		}
		second := answer()
		if v := <-second; v.Status != reviewer.TimedOut {
			t.Errorf("second: %+v", v)
		}
		_ = typed.Close()
	})
}

func TestHugeActionCannotBeApproved(t *testing.T) {
	v, shown := ask(t, command("sh", "-c", strings.Repeat("true; ", maxShown)), types("y\n"))
	if v.Status != reviewer.Denied || v.Reason != policy.ReasonActionTooLarge || !strings.Contains(shown, "[…cut]") {
		t.Errorf("got %+v", v)
	}
}

func TestNotInteractiveRefusesWithoutAsking(t *testing.T) {
	var out bytes.Buffer
	v := New(nil, &out, Options{}).Review(t.Context(), command("ls"))
	if v.Status != reviewer.Denied || v.Reason != policy.ReasonNotInteractive || out.Len() != 0 {
		t.Errorf("got %+v, shown %q", v, out.String())
	}
}

func TestOneQuestionAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, typed := pipe()
		var out bytes.Buffer
		term := New(in, &out, Options{Interactive: true})
		verdicts := make(chan reviewer.Verdict, 2)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for range 2 {
			go func() { verdicts <- term.Review(ctx, command("ls")) }()
		}
		synctest.Wait()
		if n := strings.Count(out.String(), "Allow?"); n != 1 {
			t.Errorf("%d questions at once", n)
		}
		types("y\n")(typed)
		synctest.Wait()
		types("n\n")(typed)
		got := map[reviewer.Status]int{(<-verdicts).Status: 1}
		got[(<-verdicts).Status]++
		if got[reviewer.Approved] != 1 || got[reviewer.Denied] != 1 {
			t.Errorf("got %v", got)
		}
		_ = typed.Close()
	})
}

func TestAReasonGoesWithTheNo(t *testing.T) {
	for _, line := range []string{"n use make test\n", "no: use make test \n", "No, use make test\n"} {
		if v, _ := ask(t, command("ls"), types(line)); v.Status != reviewer.Denied || v.Reason != policy.ReasonUserDenied || v.Rationale != "use make test" {
			t.Errorf("%q: %+v", line, v)
		}
	}
}
