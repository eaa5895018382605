package event

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"
)

// fill sets every field of a payload to something that is not its zero value.
func fill(v reflect.Value, name string) {
	switch {
	case v.Type() == sensitiveType:
		v.Set(reflect.ValueOf(Secret("secret of " + name)))
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), name)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), v.Type().Field(i).Name)
		}
	case v.Kind() == reflect.String:
		v.SetString("text of " + name)
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.CanInt():
		v.SetInt(7)
	case v.CanUint():
		v.SetUint(7)
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), name)
	case v.Kind() == reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf(UserPrompt), reflect.ValueOf(uint64(3)))
	}
}

func sample(c CatalogEntry) *Event {
	p := c.New()
	fill(reflect.ValueOf(p).Elem(), "payload")
	return &Event{
		ID: NewID(), Kind: c.Kind, Schema: c.Schema, Session: "s-1", Turn: "t", Call: "c", Seq: 9,
		Time: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC), Cause: NewID(), Actor: Model, Payload: p,
	}
}

func TestEveryKindSurvivesTheRoundTrip(t *testing.T) {
	for _, c := range Catalog() {
		t.Run(string(c.Kind), func(t *testing.T) {
			e := sample(c)
			enc, err := Encode(e)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(enc.Public, []byte("secret of")) {
				t.Fatalf("public part holds sensitive text: %s", enc.Public)
			}
			got, err := Decode(enc)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(e, got, cmp.AllowUnexported(Sensitive{})); diff != "" {
				t.Errorf("decoded event differs (-sent +got):\n%s", diff)
			}
			again, err := Encode(got)
			if err != nil || !bytes.Equal(again.Public, enc.Public) {
				t.Errorf("encoding is not stable: %v\n%s\n%s", err, enc.Public, again.Public)
			}
			erased, err := Decode(Encoded{Public: enc.Public})
			if err != nil {
				t.Fatal(err)
			}
			again, err = Encode(erased)
			if err != nil || !bytes.Equal(again.Public, enc.Public) || again.Content != nil {
				t.Errorf("an erased event does not keep its public part: %v", err)
			}
		})
	}
}

func TestCatalogIsComplete(t *testing.T) {
	seen := map[Kind]bool{}
	for _, c := range Catalog() {
		if seen[c.Kind] {
			t.Errorf("kind %s stands twice in the catalog", c.Kind)
		}
		seen[c.Kind] = true
		if got := c.New().Kind(); got != c.Kind {
			t.Errorf("payload of %s says it is %s", c.Kind, got)
		}
		if c.Meaning == "" || c.Schema == 0 || c.Severity == 0 {
			t.Errorf("catalog entry of %s is not filled in", c.Kind)
		}
		names := map[string]bool{}
		for _, f := range Fields(c.New()) {
			if f.Name == "" || names[f.Name] {
				t.Errorf("%s: field name %q is empty or stands twice", c.Kind, f.Name)
			}
			names[f.Name] = true
		}
	}
}

func TestGeneratedPagesAreFresh(t *testing.T) {
	schema, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"../doc/events.md": Describe(), "../doc/events.schema.json": string(schema)} {
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is stale: run 'make generate'", file)
		}
	}
}

func TestSchemaAcceptsWhatIsEncoded(t *testing.T) {
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	resolved, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range Catalog() {
		enc, err := Encode(sample(c))
		if err != nil {
			t.Fatal(err)
		}
		var doc map[string]any
		if err := json.Unmarshal(enc.Public, &doc); err != nil {
			t.Fatal(err)
		}
		if err := resolved.Validate(doc); err != nil {
			t.Errorf("%s: %v", c.Kind, err)
		}
		doc["payload"].(map[string]any)["surprise"] = 1
		if resolved.Validate(doc) == nil {
			t.Errorf("%s: the schema accepts an unknown field", c.Kind)
		}
	}
}

func TestSensitiveNeverPrints(t *testing.T) {
	s := Secret("hunter2")
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "s", s, "in", struct{ S Sensitive }{s})
	js, _ := json.Marshal(map[string]any{"s": s, "in": []Sensitive{s}})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&log, verb, s)
		fmt.Fprintf(&log, verb, []any{s, &s, struct{ S Sensitive }{s}})
	}
	log.Write(js)
	if out := log.String(); strings.Contains(out, "hunter2") || strings.Contains(out, "68756e74657232") {
		t.Errorf("a sensitive text was printed:\n%s", out)
	}
}

func TestAlteredContentIsRefused(t *testing.T) {
	p := &UserPromptPayload{Length: 5, Prompt: Secret("hello")}
	enc, err := Encode(&Event{ID: NewID(), Kind: UserPrompt, Schema: 1, Session: "s", Time: time.Now(), Actor: User, Payload: p})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"other text":    strings.Replace(string(enc.Content), "hello", "jello", 1),
		"unknown field": strings.Replace(string(enc.Content), `"prompt"`, `"prompts"`, 1),
		"short salt":    `{"prompt":{"salt":"AAAA","text":"hello"}}`,
	} {
		if _, err := Decode(Encoded{enc.Public, []byte(content)}); !errors.Is(err, ErrContentMismatch) {
			t.Errorf("%s: got %v, want ErrContentMismatch", name, err)
		}
	}
}

func TestBytesThatAreNotTextSurvive(t *testing.T) {
	text := "\xff\x00\xfebinary"
	e := &Event{ID: NewID(), Kind: ExecOutput, Schema: 1, Session: "s", Time: time.Now(), Actor: Executor, Payload: &ExecOutputPayload{Stream: "stdout", Chunk: Secret(text)}}
	enc, err := Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(enc)
	if err != nil {
		t.Fatal(err)
	}
	if s, ok := got.Payload.(*ExecOutputPayload).Chunk.Reveal(); !ok || s != text {
		t.Errorf("got %q, want %q", s, text)
	}
}

func TestEncodeRefuses(t *testing.T) {
	good := func() *Event {
		return &Event{ID: NewID(), Kind: UserPrompt, Schema: 1, Session: "s", Time: time.Now(), Actor: User, Payload: &UserPromptPayload{}}
	}
	for name, spoil := range map[string]func(*Event){
		"id":      func(e *Event) { e.ID = "x" },
		"kind":    func(e *Event) { e.Kind = "proctor.nothing" },
		"schema":  func(e *Event) { e.Schema = 2 },
		"session": func(e *Event) { e.Session = "a.b" },
		"actor":   func(e *Event) { e.Actor = "ghost" },
		"cause":   func(e *Event) { e.Cause = "x" },
		"payload": func(e *Event) { e.Payload = &TurnTTFTPayload{} },
		"content": func(e *Event) { e.Payload = &UserPromptPayload{Prompt: Secret(strings.Repeat("a", MaxContent+1))} },
		"public": func(e *Event) {
			e.Turn = ""
			e.Kind = APIRequest
			e.Payload = &APIRequestPayload{Error: strings.Repeat("a", MaxPublic)}
		},
	} {
		e := good()
		spoil(e)
		if _, err := Encode(e); err == nil {
			t.Errorf("%s: encoded", name)
		}
	}
}

// sink commits at once, or fails.
type sink struct {
	mu     sync.Mutex
	events []*Event
	accept error
	commit error
}

type ready struct {
	n   int
	err error
}

func (r ready) Wait(context.Context) ([]Receipt, error) { return make([]Receipt, r.n), r.err }

func (s *sink) Submit(_ context.Context, events ...*Event) (Pending, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.accept != nil {
		return nil, s.accept
	}
	s.events = append(s.events, events...)
	return ready{len(events), s.commit}, nil
}

func TestStreamNumbersWithoutGaps(t *testing.T) {
	k := &sink{}
	s, err := NewStream("s", 4, "", "", k, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				if err := s.Publish(t.Context(), Draft{Payload: &TurnTTFTPayload{}}, Draft{Payload: &UserPromptPayload{}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	for i, e := range k.events {
		if e.Seq != uint64(5+i) {
			t.Fatalf("event %d has number %d, want %d", i, e.Seq, 5+i)
		}
	}
	counts, last := s.Counts()
	if counts[TurnTTFT] != 400 || counts[UserPrompt] != 400 || last != 804 {
		t.Errorf("counts %v, last %d", counts, last)
	}
}

func TestStreamKeepsItsNumbersWhenNothingWasSent(t *testing.T) {
	k := &sink{accept: errors.New("full")}
	s, _ := NewStream("s", 0, "", "", k, time.Now)
	if err := s.Publish(t.Context(), Draft{Payload: &TurnTTFTPayload{}}); !errors.Is(err, ErrNotRecorded) {
		t.Fatalf("got %v", err)
	}
	k.accept = nil
	if _, err := s.Record(t.Context(), Draft{Payload: &TurnTTFTPayload{}}); err != nil || k.events[0].Seq != 1 {
		t.Errorf("got %v, events %v", err, k.events)
	}
}

func TestStreamFailsForGoodAfterALostCommit(t *testing.T) {
	k := &sink{commit: errors.New("disk full")}
	s, _ := NewStream("s", 0, "", "", k, time.Now)
	if err := s.Publish(t.Context(), Draft{Payload: &TurnTTFTPayload{}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(); !errors.Is(err, ErrNotRecorded) {
		t.Fatalf("flush: got %v, want ErrNotRecorded", err)
	}
	k.commit = nil
	if _, err := s.Record(t.Context(), Draft{Payload: &TurnTTFTPayload{}}); !errors.Is(err, ErrNotRecorded) || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("record after the loss: got %v", err)
	}
}

func TestDigestBindsTheActionNotTheReason(t *testing.T) {
	a := Action{Kind: ActionCommand, Argv: []string{"ls"}, Cwd: "/w", Justification: "because"}
	b := a
	b.Justification = "other"
	if a.Digest() != b.Digest() {
		t.Error("the justification changes the digest")
	}
	b.Argv = []string{"ls", "-l"}
	if a.Digest() == b.Digest() {
		t.Error("another command has the same digest")
	}
}

func FuzzDecode(f *testing.F) {
	for _, c := range Catalog() {
		enc, err := Encode(sample(c))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(enc.Public, enc.Content)
	}
	f.Fuzz(func(t *testing.T, public, content []byte) {
		e, err := Decode(Encoded{public, content})
		if err != nil {
			return
		}
		if _, err := Encode(e); err != nil && !errors.Is(err, ErrTooLarge) {
			t.Errorf("decoded event cannot be encoded: %v", err)
		}
	})
}

func TestIDs(t *testing.T) {
	good := NewID()
	if !good.Valid() {
		t.Errorf("%q is not valid", good)
	}
	for _, bad := range []ID{"", good[1:], good + "0", ID(strings.ToUpper("0197a0b0-aaaa-7bbb-8ccc-ddddddddddde")), "{" + good[:34] + "}", "0197a0b0aaaa-7bbb-8ccc-ddddddddddd-e", "0197a0b0-aaaa-7bbb-8ccc-dddddddddddg"} {
		if bad.Valid() {
			t.Errorf("%q is valid", bad)
		}
	}
}
