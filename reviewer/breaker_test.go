package reviewer

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// run feeds one letter a review (d denied, a approved, t timed out, f failed, x aborted) and returns where it tripped.
func run(letters string, l BreakerLimits) (trips []int, last Trip) {
	status := map[rune]Status{'d': Denied, 'a': Approved, 't': TimedOut, 'f': FailedClosed, 'x': Aborted}
	var b Breaker
	for i, r := range letters {
		b, last = b.After(status[r], l)
		if last.Interrupt {
			trips = append(trips, i+1)
		}
	}
	return trips, last
}

func TestBreaker(t *testing.T) {
	for _, test := range []struct {
		letters string
		want    int // 0: never
	}{
		{"ddd", 3}, {"ddadda", 0}, {"ddtdd", 0}, {"ddfdd", 0}, {"ddxdd", 0}, {"dddddd", 3},
		{strings.Repeat("da", 9) + "d", 19},
		{"dadadadada" + strings.Repeat("a", 45) + strings.Repeat("da", 5), 0}, // the first five are out of the window
	} {
		trips, _ := run(test.letters, BreakerLimits{})
		switch {
		case test.want == 0 && len(trips) != 0, test.want != 0 && (len(trips) != 1 || trips[0] != test.want):
			t.Errorf("%s tripped at %v, want %d", test.letters, trips, test.want)
		}
	}
	if _, last := run("dad", BreakerLimits{}); last.Consecutive != 1 || last.Recent != 2 {
		t.Errorf("counts: %+v", last)
	}
	if trips, _ := run("d", BreakerLimits{Consecutive: 1}); len(trips) != 1 {
		t.Error("limit 1 does not trip")
	}
}

// Against a count by hand, for any results and limits; at most one interruption.
func TestBreakerCountsLikeByHand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.StringOfN(rapid.SampledFrom([]rune("dddatfx")), 0, 150, -1).Draw(t, "results")
		l := BreakerLimits{Consecutive: rapid.IntRange(0, 5).Draw(t, "consecutive"), Recent: rapid.IntRange(0, 12).Draw(t, "recent"), Window: rapid.IntRange(0, 80).Draw(t, "window")}
		d := l.withDefaults()
		want := 0
		for i := range letters {
			recent := strings.Count(letters[max(0, i+1-d.Window):i+1], "d")
			row := len(letters[:i+1]) - len(strings.TrimRight(letters[:i+1], "d"))
			if want == 0 && (row >= d.Consecutive || recent >= d.Recent) {
				want = i + 1
			}
		}
		trips, _ := run(letters, l)
		if want == 0 && len(trips) != 0 || want != 0 && (len(trips) != 1 || trips[0] != want) {
			t.Fatalf("%s with %+v tripped at %v, want %d", letters, l, trips, want)
		}
	})
}
