package event

import "time"

// timeLayout is the one form of a time in events and entries: UTC, microseconds.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// ParseTime reads a time in the form in which events and entries are written, and no other: each has one, and package time takes
// longer over it than over the rest of the envelope.
func ParseTime(s string) (time.Time, bool) {
	if len(s) != len(timeLayout) {
		return time.Time{}, false
	}
	var n [7]int // year to microsecond
	field := 0
	for i := range len(s) {
		switch c, form := s[i], timeLayout[i]; {
		case form >= '0' && form <= '9':
			if c < '0' || c > '9' {
				return time.Time{}, false
			}
			n[field] = n[field]*10 + int(c-'0')
		case c != form:
			return time.Time{}, false
		default:
			field++
		}
	}
	t := time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], n[6]*1000, time.UTC)
	// What is out of range, package time carries over.
	return t, t.Day() == n[2] && int(t.Month()) == n[1] && n[3] < 24 && n[4] < 60 && n[5] < 60
}
