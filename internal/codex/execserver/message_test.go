package execserver

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	cases := []struct {
		frame, method string
		notification  bool
		bad           bool
	}{
		{`{"id":1,"method":"initialize","params":{}}`, "initialize", false, false},
		{`{"id":"a","method":"x"}`, "x", false, false},
		{`{"method":"initialized","params":{}}`, "initialized", true, false},
		{`{"id":null,"method":"x"}`, "x", true, false},
		{`{"id":{},"method":"x"}`, "", false, true},
		{`{"id":true,"method":"x"}`, "", false, true},
		{`{"id":1}`, "", false, true},
		{`{"id":1,"result":{}}`, "", false, true},
		{`[]`, "", false, true},
		{``, "", false, true},
		{`{"id":1,"method":"` + strings.Repeat("m", maxMethod+1) + `"}`, "", false, true},
		{`{"id":"` + strings.Repeat("1", maxID) + `","method":"x"}`, "", false, true},
	}
	for _, c := range cases {
		m, err := decode([]byte(c.frame))
		if (err != nil) != c.bad || m.Method != c.method || !c.bad && m.notification() != c.notification {
			t.Errorf("%.80s: %+v, %v", c.frame, m, err)
		}
		if err != nil && !errors.Is(err, errMessage) {
			t.Errorf("%.80s: %v is no errMessage", c.frame, err)
		}
	}
}

func TestLinesAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100<<10)
	c := Lines(strings.NewReader("one\n"+long+"\ncut off"), io.Discard)
	for _, want := range []string{"one\n", long + "\n"} {
		if got, err := c.Read(); err != nil || string(got) != want {
			t.Errorf("%d bytes, %v; want %d", len(got), err, len(want))
		}
	}
	if _, err := c.Read(); !errors.Is(err, io.EOF) {
		t.Errorf("a line without an end: %v", err)
	}
	endless := Lines(io.LimitReader(zeroes{}, MaxFrame+1<<20), io.Discard)
	if _, err := endless.Read(); !errors.Is(err, errMessage) {
		t.Errorf("a line without end: %v", err)
	}
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// Whatever a client sends, it is refused or understood, and what is understood stays within the bounds.
func FuzzDecode(f *testing.F) {
	for _, m := range requests(f) {
		f.Add(m)
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		m, err := decode(frame)
		if err != nil {
			return
		}
		if len(m.Method) > maxMethod || len(m.ID) > maxID {
			t.Fatalf("%d bytes of method, %d of id", len(m.Method), len(m.ID))
		}
		if _, err := json.Marshal(answer{ID: m.ID, Result: done}); len(m.ID) > 0 && err != nil {
			t.Fatalf("its answer cannot be sent: %v", err)
		}
		if p, bad := params[startParams](m); bad == nil && p.check() == nil {
			_, _ = p.Sandbox.plan("/w")
			if _, bad := pathOf(p.Cwd); bad == nil && len(p.Argv) == 0 {
				t.Fatal("a command without a program")
			}
		}
		if p, bad := params[pathParams](m); bad == nil {
			if at, bad := pathOf(p.Path); bad == nil && !strings.HasPrefix(at, "/") {
				t.Fatalf("path %q is not absolute", at)
			}
		}
		_, _ = params[writeParams](m)
		_, _ = params[readParams](m)
		_, _ = params[copyParams](m)
	})
}

// plan is request for a sandbox that may be null.
func (i *intent) plan(workspace string) (any, error) {
	if i.unconfined() {
		return nil, nil
	}
	return i.request(workspace, "/tmp")
}
