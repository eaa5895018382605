package config

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Day is what "1d" means: 24 hours, whatever the clocks of a place do.
const Day = 24 * time.Hour

var ageUnits = map[byte]time.Duration{'m': time.Minute, 'h': time.Hour, 'd': Day, 'w': 7 * Day}

// ParseAge reads a whole number of minutes, hours, days or weeks: 30m, 12h, 90d, 2w. The empty text is 0.
func ParseAge(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	unit, ok := ageUnits[text[len(text)-1]]
	n, err := strconv.ParseUint(text[:len(text)-1], 10, 63)
	if !ok || err != nil || n == 0 || n > uint64(math.MaxInt64/unit) { //nolint:gosec // not negative
		return 0, fmt.Errorf("age %q: expected a whole number from 1 on with m, h, d or w, such as 90d", text)
	}
	return time.Duration(n) * unit, nil
}

func ageSpec() *spec {
	return &spec{kind: stringValue, check: func(n *node) (string, string) {
		if _, err := ParseAge(n.val.(string)); err != nil {
			return "got " + shown(n.val.(string)), `an age such as "90d", "12h" or "2w"`
		}
		return "", ""
	}}
}
