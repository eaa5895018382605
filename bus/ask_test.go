package bus_test

import (
	"errors"
	"testing"

	"proctor/bus"
)

func TestAQuestionIsAnsweredByWhoeverAnswersItsTopic(t *testing.T) {
	dir := t.TempDir()
	owner, guest := join(t, dir), join(t, dir)
	for _, way := range []struct{ asked, asking *member }{{owner, guest}, {guest, owner}, {owner, owner}} {
		stop, err := way.asked.Answer("export", func(q []byte) []byte { return append(q, '!') })
		if err != nil {
			t.Fatal(err)
		}
		if got, err := way.asking.Ask(t.Context(), "export", []byte("flush")); err != nil || string(got) != "flush!" {
			t.Errorf("%q, %v", got, err)
		}
		stop()
	}
	if _, err := guest.Ask(t.Context(), "export", nil); !errors.Is(err, bus.ErrNobody) {
		t.Errorf("a topic that nobody answers: %v", err)
	}
}
