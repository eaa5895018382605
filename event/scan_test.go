package event

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const spelled = `{"v":1,"id":"0199c1d2-7f00-7000-8000-000000000001","kind":"codex.turn_ttft","schema":1,"session":"s","seq":7,"turn":"t","call":"c",` +
	`"time":"2026-11-23T09:10:17.724000Z","cause":"0199c1d2-7f00-7000-8000-000000000002","actor":"host","trace":"0123","span":"45","payload":{"duration_ms":3}}`

func TestScanReadsWhatEncodeWrites(t *testing.T) {
	t.Parallel()
	for _, public := range []string{
		spelled, `{"v":1,"id":"i","kind":"k","schema":1,"session":"s","time":"","actor":"a","payload":{}}`,
	} {
		got, ok := scan([]byte(public))
		var want publicJSON
		if err := strict([]byte(public), &want); err != nil || !ok {
			t.Fatalf("%s: %v, %v", public, ok, err)
		}
		want.text = public
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(publicJSON{})); diff != "" {
			t.Error(diff)
		}
	}
}

// FuzzScan holds what scan accepts to what the general decoder makes of it.
func FuzzScan(f *testing.F) {
	f.Add([]byte(spelled))
	f.Add([]byte(`{"v":1,"id":"i","kind":"k","schema":1,"session":"s","time":"","actor":"a","payload":{}}`))
	f.Add([]byte(`{"v":01,"id":"\u0041","kind":"k","schema":1,"session":"s","time":"","actor":"a","payload":{}},"v":2}`))
	f.Fuzz(func(t *testing.T, public []byte) {
		got, ok := scan(public)
		if !ok {
			return
		}
		var inner map[string]any
		innerErr := strict(got.Payload, &inner) // whoever uses scan decodes the payload next
		var want publicJSON
		if err := strict(public, &want); (err == nil) != (innerErr == nil) {
			t.Fatalf("%q: general decoder says %v, payload %v", public, err, innerErr)
		} else if err != nil {
			return
		}
		want.text = string(public)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(publicJSON{})); diff != "" || !bytes.Contains(public, got.Payload) {
			t.Fatalf("%q:\n%s", public, diff)
		}
	})
}
