package auto

import (
	"errors"
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	for n, want := range map[int]time.Duration{1: 200 * time.Millisecond, 2: 400 * time.Millisecond} {
		for _, j := range []float64{0, 0.5, 0.999} {
			if got := backoff(n, j); got < want*9/10 || got > want*11/10 {
				t.Errorf("backoff(%d, %v) = %s", n, j, got)
			}
		}
	}
	if again, wait := retry(&CallError{Retry: true, After: time.Minute, Err: errors.New("x")}); !again || wait != time.Minute {
		t.Error("the server's wait is lost")
	}
}
