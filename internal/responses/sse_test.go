package responses

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func readFrames(src io.Reader) (got [][2]string, err error) {
	frames := newFrames(src)
	for {
		f, err := frames.next()
		if err != nil {
			return got, err
		}
		got = append(got, [2]string{f.event, string(f.data)})
	}
}

func TestSSEFollowsTheStandard(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in string
		want     [][2]string
	}{
		{"lf", "event: a\ndata: 1\n\n", [][2]string{{"a", "1"}}},
		{"crlf", "event: a\r\ndata: 1\r\n\r\n", [][2]string{{"a", "1"}}},
		{"cr", "event: a\rdata: 1\r\r", [][2]string{{"a", "1"}}},
		{"mixed ends", "data: 1\r\ndata: 2\rdata: 3\n\n", [][2]string{{"", "1\n2\n3"}}},
		{"byte order mark", "\xef\xbb\xbfdata: 1\n\n", [][2]string{{"", "1"}}},
		{"second mark is text", "\xef\xbb\xbf\xef\xbb\xbfdata: 1\n\ndata: 2\n\n", [][2]string{{"", "2"}}},
		{"comments", ": hi\ndata: 1\n:\n\n", [][2]string{{"", "1"}}},
		{"one space is dropped", "data:  1\ndata:2\n\n", [][2]string{{"", " 1\n2"}}},
		{"colon in value", "data: a:b\n\n", [][2]string{{"", "a:b"}}},
		{"no data, no event", "event: a\n\ndata: 1\n\n", [][2]string{{"", "1"}}},
		{"empty data, no event", "event: a\ndata\n\ndata:\n\n", nil},
		{"two empty lines of data", "data\ndata\n\n", [][2]string{{"", "\n"}}},
		{"unknown fields", "id: 1\nretry: 2\nfoo\ndata: 1\n\n", [][2]string{{"", "1"}}},
		{"cut before the blank line", "data: 1\n\ndata: 2\n", [][2]string{{"", "1"}}},
		{"cut in the line", "data: 1\n\ndata: 2", [][2]string{{"", "1"}}},
		{"last event name wins", "event: a\nevent: b\ndata: 1\n\n", [][2]string{{"b", "1"}}},
		{"names are case sensitive", "Data: 1\n\n", nil},
		{"invalid UTF-8 is replaced", "data: a\xffb\n\n", [][2]string{{"", "a\uFFFDb"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, src := range []io.Reader{strings.NewReader(tt.in), iotest.OneByteReader(strings.NewReader(tt.in)), iotest.DataErrReader(strings.NewReader(tt.in))} {
				got, err := readFrames(src)
				if !errors.Is(err, io.EOF) {
					t.Errorf("error %v, want EOF", err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// An event that ends with CR is complete at that CR: waiting for a possible LF
// would hold it back until the next event.
func TestSSEDoesNotWaitForTheByteAfterCR(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	var writer sync.WaitGroup
	defer writer.Wait()
	writer.Go(func() { _, _ = io.WriteString(w, "data: 1\r\r") })
	frames := newFrames(r)
	if f, err := frames.next(); err != nil || string(f.data) != "1" {
		t.Fatalf("%q, %v", f.data, err)
	}
	_ = w.Close()
}

// repeated gives text again and again until n bytes, without holding them.
type repeated struct {
	text string
	n    int
	at   int
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.n <= 0 {
		return 0, io.EOF
	}
	n := copy(p, r.text[r.at:])
	r.at = (r.at + n) % len(r.text)
	r.n -= n
	return n, nil
}

func TestSSEBoundsAreNamed(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1<<20)
	line := "data: " + long + "\n"
	tests := []struct {
		name string
		src  io.Reader
		err  string
	}{
		{"line", &repeated{text: long, n: maxSSELine + 1}, "a line of more than 8 MiB"},
		{"event", strings.NewReader(strings.Repeat(line, 17)), "an event of more than 16 MiB"},
		{"stream", &repeated{text: ":" + long + "\n", n: maxSSEStream + 1}, "more than 256 MiB in one stream"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := readFrames(tt.src)
			if !errors.Is(err, errTooBig) || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
	if _, err := readFrames(strings.NewReader(strings.Repeat(line, 7) + "\n")); !errors.Is(err, io.EOF) {
		t.Errorf("7 MiB: %v", err)
	}
}

func TestSSEEndlessEmptyReadsEnd(t *testing.T) {
	t.Parallel()
	_, err := readFrames(readerFunc(func([]byte) (int, error) { return 0, nil }))
	if !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("error %v", err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// Where the network cuts the bytes must not matter, nor how lines end.
func TestSSELawChunksAndLineEnds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOfN(rapid.StringMatching(`[a-z:{}" ]{1,20}(\n[a-z]{0,5}){0,3}`), 0, 8).Draw(t, "events")
		end := rapid.SampledFrom([]string{"\n", "\r", "\r\n"}).Draw(t, "line end")
		var text strings.Builder
		var want [][2]string
		for _, e := range events {
			for line := range strings.SplitSeq(e, "\n") {
				text.WriteString("data: " + line + end)
			}
			text.WriteString(end)
			want = append(want, [2]string{"", e})
		}
		left := []byte(text.String())
		got, err := readFrames(readerFunc(func(p []byte) (int, error) {
			if len(left) == 0 {
				return 0, io.EOF
			}
			n := copy(p, left[:rapid.IntRange(1, min(len(left), 7)).Draw(t, "chunk")])
			left = left[n:]
			return n, nil
		}))
		if !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func FuzzSSE(f *testing.F) {
	for _, seed := range []string{"data: 1\n\n", "event: a\r\ndata: {}\r\n\r\n", "\xef\xbb\xbfdata\r\rdata: x", ":\n\n\n", "data: a\xff\ndata: b\n\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		whole, err := readFrames(bytes.NewReader(in))
		if !errors.Is(err, io.EOF) {
			t.Fatalf("error %v on a short input", err)
		}
		for _, e := range whole {
			if e[1] == "" || !utf8.ValidString(e[1]) || strings.ContainsAny(e[1], "\r") || strings.ContainsAny(e[0], "\r\n") {
				t.Fatalf("event %q", e)
			}
		}
		bytewise, _ := readFrames(iotest.OneByteReader(bytes.NewReader(in)))
		if diff := cmp.Diff(whole, bytewise); diff != "" {
			t.Fatalf("chunks matter: %s", diff)
		}
	})
}
