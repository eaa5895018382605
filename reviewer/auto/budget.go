package auto

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"proctor/event"
	"proctor/reviewer"
)

// Budget bounds the transcript in tokens, estimated as bytes divided by four. Zero fields take the
// defaults of codex-auto-review.md section 2.
type Budget struct {
	Messages int // all user and assistant entries; 10,000
	Tools    int // all tool entries; 10,000
	Message  int // one message; 2,000
	Tool     int // one tool entry; 1,000
	Recent   int // entries that are not the user's; 40
}

func (b Budget) withDefaults() Budget {
	set := func(field *int, value int) {
		if *field <= 0 {
			*field = value
		}
	}
	set(&b.Messages, 10_000)
	set(&b.Tools, 10_000)
	set(&b.Message, 2_000)
	set(&b.Tool, 1_000)
	set(&b.Recent, 40)
	return b
}

const bytesPerToken = 4

func tokens(text string) int { return (len(text) + bytesPerToken - 1) / bytesPerToken }

// shown is a transcript entry as the reviewer sees it; number is its place in the whole, from 1.
type shown struct {
	event.TranscriptEntry
	number int
}

// number gives entries of old records, which have none, their places.
func number(entries []event.TranscriptEntry) []shown {
	out := make([]shown, len(entries))
	for i, e := range entries {
		out[i] = shown{e, e.Number}
		if e.Number == 0 {
			out[i].number = i + 1
		}
	}
	return out
}

// choose picks entries within b, shortens them, and keeps their order. The first and the latest message of the
// user come before all others, then the user's newest, then the newest of the rest. An entry that does not fit
// is passed over; what comes after it may still fit. left counts the entries not chosen.
func choose(entries []shown, b Budget) (chosen []shown, left int) {
	b = b.withDefaults()
	messages, tools, recent := b.Messages, b.Tools, b.Recent
	taken := make([]bool, len(entries))
	take := func(i int) {
		e := entries[i]
		if trusted := reviewer.Trusted(e.TranscriptEntry); taken[i] || e.Text == "" || !trusted && recent == 0 {
			return
		}
		budget, most := &messages, b.Message
		if e.Role == event.RoleCall || e.Role == event.RoleResult {
			budget, most = &tools, b.Tool
		}
		e.Text = shorten(quote(e.Text), most)
		cost := tokens(e.Text)
		if cost > *budget {
			return
		}
		if !reviewer.Trusted(e.TranscriptEntry) {
			recent--
		}
		*budget -= cost
		taken[i] = true
		chosen = append(chosen, e)
	}
	for _, i := range anchors(entries) {
		take(i)
	}
	for i := len(entries) - 1; i >= 0; i-- {
		if reviewer.Trusted(entries[i].TranscriptEntry) {
			take(i)
		}
	}
	for i := len(entries) - 1; i >= 0; i-- {
		if !reviewer.Trusted(entries[i].TranscriptEntry) {
			take(i)
		}
	}
	slices.SortFunc(chosen, func(a, b shown) int { return a.number - b.number })
	return chosen, len(entries) - len(chosen)
}

// anchors are the places of the user's first and latest message.
func anchors(entries []shown) []int {
	first := slices.IndexFunc(entries, func(e shown) bool { return reviewer.Trusted(e.TranscriptEntry) })
	if first < 0 {
		return nil
	}
	for last := len(entries) - 1; last > first; last-- {
		if reviewer.Trusted(entries[last].TranscriptEntry) {
			return []int{first, last}
		}
	}
	return []int{first}
}

// shorten keeps head and tail of a quoted text above most tokens around a mark that tells how much is missing.
func shorten(quoted string, most int) string {
	if tokens(quoted) <= most {
		return quoted
	}
	keep := max(most*bytesPerToken-len(cutMark(len(quoted))), 0)
	head, tail := keep/2, len(quoted)-(keep-keep/2)
	for head > 0 && !utf8.RuneStart(quoted[head]) {
		head--
	}
	for tail < len(quoted) && !utf8.RuneStart(quoted[tail]) {
		tail++
	}
	// A quoted character is kept whole or not at all.
	if open := strings.LastIndex(quoted[:head], "⟦"); open > strings.LastIndex(quoted[:head], "⟧") {
		head = open
	}
	if end := strings.Index(quoted[tail:], "⟧"); end >= 0 && !strings.Contains(quoted[tail:tail+end], "⟦") {
		tail += end + len("⟧")
	}
	return quoted[:head] + cutMark(tail-head) + quoted[tail:]
}

func cutMark(bytes int) string {
	return fmt.Sprintf("\n⟦about %d tokens left out here⟧\n", (bytes+bytesPerToken-1)/bytesPerToken)
}
