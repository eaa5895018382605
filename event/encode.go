package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

const (
	// MaxPublic bounds the public part of an event in bytes; with the ledger's own members an
	// entry stays below the 65,535 bytes that a C2SP tile allows.
	MaxPublic = 60_000
	// MaxContent bounds all sensitive texts of one event together, in bytes.
	MaxContent = 4 << 20
)

var (
	// ErrTooLarge means an event is above MaxPublic or MaxContent. Cut the text, mark the cut, and try again.
	ErrTooLarge error = Fault{"event_too_large", "event too large"}
	// ErrUnknownKind means a kind is not in the catalog of this program: a newer one wrote it.
	ErrUnknownKind = errors.New("unknown event kind")
)

// Encoded is an event split in two.
type Encoded struct {
	// Public is one compact JSON object, the bytes that the ledger commits to.
	Public []byte
	// Content is a JSON object from field path to {"salt", "text" or "bytes"}, or nil when the event has no sensitive text.
	Content []byte
}

// publicJSON fixes the order of the members of the public part.
type publicJSON struct {
	V       int             `json:"v"`
	ID      ID              `json:"id"`
	Kind    Kind            `json:"kind"`
	Schema  int             `json:"schema"`
	Session string          `json:"session"`
	Seq     uint64          `json:"seq,omitempty"`
	Turn    string          `json:"turn,omitempty"`
	Call    string          `json:"call,omitempty"`
	Time    string          `json:"time"`
	Cause   ID              `json:"cause,omitempty"`
	Actor   Actor           `json:"actor"`
	Trace   string          `json:"trace,omitempty"`
	Span    string          `json:"span,omitempty"`
	Masked  *Masked         `json:"masked,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"` // always there; Encode writes it last, by itself

	text string // all of it, when it was scanned
}

// contentJSON is one sensitive text with the salt of its commitment; bytes that are not UTF-8 stand in base64.
type contentJSON struct {
	Salt  []byte `json:"salt"`
	Text  string `json:"text,omitempty"`
	Bytes []byte `json:"bytes,omitempty"`
}

// Encode checks e, seals its sensitive fields and splits it. Sealing picks salts,
// so e's payload is changed once; encoding again gives the same bytes.
func Encode(e *Event) (Encoded, error) {
	if err := e.check(); err != nil {
		return Encoded{}, err
	}
	if e.Payload == nil || e.Payload.Kind() != e.Kind {
		return Encoded{}, fmt.Errorf("event %s: payload %T is not of kind %s", e.ID, e.Payload, e.Kind)
	}
	content, err := seal(e.Payload)
	if err != nil {
		return Encoded{}, fmt.Errorf("event %s of kind %s: %w", e.ID, e.Kind, err)
	}
	public, ok := appendPublic(make([]byte, 0, usualPublic), e)
	if !ok {
		if public, err = marshalPublic(e); err != nil {
			return Encoded{}, err
		}
	}
	if len(public) > MaxPublic {
		return Encoded{}, fmt.Errorf("event %s of kind %s: public part has %d bytes, at most %d are allowed: %w", e.ID, e.Kind, len(public), MaxPublic, ErrTooLarge)
	}
	return Encoded{Public: public, Content: content}, nil
}

// usualPublic is room for the public part of most events.
const usualPublic = 640

// marshalPublic encodes what appendPublic does not.
func marshalPublic(e *Event) ([]byte, error) {
	payload, err := marshal(e.Payload)
	if err != nil {
		return nil, fmt.Errorf("encode payload of event %s (%s): %w", e.ID, e.Kind, err)
	}
	public, err := marshal(publicJSON{
		Version, e.ID, e.Kind, e.Schema, e.Session, e.Seq, e.Turn, e.Call,
		e.Time.UTC().Format(timeLayout), e.Cause, e.Actor, e.Trace, e.Span, e.Masked, nil, "",
	})
	if err != nil {
		return nil, fmt.Errorf("encode event %s (%s): %w", e.ID, e.Kind, err)
	}
	return slices.Concat(public[:len(public)-1], []byte(`,"payload":`), payload, []byte("}")), nil
}

// marshal is json.Marshal without the escaping of <, > and &, so that the text stays readable.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Head is the envelope of an encoded event, without its payload.
type Head struct {
	ID      ID
	Kind    Kind
	Session string
	Seq     uint64
	Turn    string
	Call    string
	Time    time.Time
}

// ParseHead reads and checks the envelope of a public part; the payload is only checked to be JSON.
func ParseHead(public []byte) (Head, error) {
	e, p, err := envelope(public)
	if err != nil {
		return Head{}, err
	}
	if !json.Valid(p.Payload) {
		return Head{}, fmt.Errorf("decode event %s: its payload is not JSON", e.ID)
	}
	return Head{e.ID, e.Kind, e.Session, e.Seq, e.Turn, e.Call, e.Time}, nil
}

// Decode reads what Encode wrote. Without content (nil) the sensitive fields keep
// only length and commitment; content that does not match is [ErrContentMismatch].
// Unknown members, kinds and versions are refused.
func Decode(enc Encoded) (*Event, error) {
	if len(enc.Content) > maxEncodedContent {
		return nil, fmt.Errorf("decode event with %d bytes of content: %w", len(enc.Content), ErrTooLarge)
	}
	e, p, err := envelope(enc.Public)
	if err != nil {
		return nil, err
	}
	entry, _ := Lookup(e.Kind)
	if e.Payload = entry.New(); !p.scanPayload(e.Payload) {
		e.Payload = entry.New()
		if err := strict(p.Payload, e.Payload); err != nil {
			return nil, fmt.Errorf("decode payload of event %s (%s): %w", e.ID, e.Kind, err)
		}
	}
	if err := Attach(e, enc.Content); err != nil {
		return nil, err
	}
	return e, nil
}

// Attach puts content into an event that was decoded without, for those who need the event to find its content. After an error e is not
// to be used. Nil content changes nothing.
func Attach(e *Event, content []byte) error {
	if len(content) > maxEncodedContent {
		return fmt.Errorf("event %s with %d bytes of content: %w", e.ID, len(content), ErrTooLarge)
	}
	if len(content) == 0 {
		return nil
	}
	if err := attach(e.Payload, content); err != nil {
		return fmt.Errorf("event %s (%s): %w", e.ID, e.Kind, err)
	}
	return nil
}

// envelope decodes everything but the payload, which it returns raw and not checked.
func envelope(public []byte) (*Event, publicJSON, error) {
	if len(public) > MaxPublic {
		return nil, publicJSON{}, fmt.Errorf("decode event of %d bytes: %w", len(public), ErrTooLarge)
	}
	p, ok := scan(public)
	if !ok {
		if err := strict(public, &p); err != nil {
			return nil, p, fmt.Errorf("decode event: %w", err)
		}
	}
	if p.V != Version {
		return nil, p, fmt.Errorf("decode event: envelope version %d, this program knows %d", p.V, Version)
	}
	t, ok := ParseTime(p.Time)
	if !ok {
		var err error
		if t, err = time.Parse(timeLayout, p.Time); err != nil {
			return nil, p, fmt.Errorf("decode event %s: time: %w", p.ID, err)
		}
	}
	e := &Event{p.ID, p.Kind, p.Schema, p.Session, p.Turn, p.Call, p.Seq, t, p.Cause, p.Actor, p.Trace, p.Span, p.Masked, nil}
	if err := e.check(); err != nil {
		return nil, p, err
	}
	return e, p, nil
}

func strict(b []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("data after the JSON value")
	}
	return nil
}
