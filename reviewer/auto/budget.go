package auto

import (
	"fmt"
	"slices"
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

// choose picks entries within b, shortens them, and keeps their order. The first and the latest message of the
// user come before all others, then the user's newest, then the newest of the rest. An entry that does not fit
// is passed over; what comes after it may still fit. left counts the entries not chosen.
func choose(entries []event.TranscriptEntry, b Budget) (chosen []shown, left int) {
	b = b.withDefaults()
	messages, tools, recent := b.Messages, b.Tools, b.Recent
	take := func(i int) {
		e := entries[i]
		budget, most := &messages, b.Message
		if e.Role == event.RoleCall || e.Role == event.RoleResult {
			budget, most = &tools, b.Tool
		}
		e.Text = shorten(e.Text, most)
		cost := tokens(e.Text)
		if cost > *budget || e.Text == "" || slices.ContainsFunc(chosen, func(s shown) bool { return s.number == i+1 }) {
			return
		}
		if !reviewer.Trusted(e) {
			if recent == 0 {
				return
			}
			recent--
		}
		*budget -= cost
		chosen = append(chosen, shown{e, i + 1})
	}
	for _, i := range anchors(entries) {
		take(i)
	}
	for i := len(entries) - 1; i >= 0; i-- {
		if reviewer.Trusted(entries[i]) {
			take(i)
		}
	}
	for i := len(entries) - 1; i >= 0; i-- {
		if !reviewer.Trusted(entries[i]) {
			take(i)
		}
	}
	slices.SortFunc(chosen, func(a, b shown) int { return a.number - b.number })
	return chosen, len(entries) - len(chosen)
}

// anchors are the places of the user's first and latest message.
func anchors(entries []event.TranscriptEntry) []int {
	first := slices.IndexFunc(entries, reviewer.Trusted)
	if first < 0 {
		return nil
	}
	for last := len(entries) - 1; last > first; last-- {
		if reviewer.Trusted(entries[last]) {
			return []int{first, last}
		}
	}
	return []int{first}
}

// shorten keeps head and tail of a text above most tokens around a mark that tells how much is missing.
func shorten(text string, most int) string {
	if tokens(text) <= most {
		return text
	}
	keep := max(most*bytesPerToken-len(cutMark(len(text))), 0)
	head, tail := keep/2, len(text)-(keep-keep/2)
	for head > 0 && !utf8.RuneStart(text[head]) {
		head--
	}
	for tail < len(text) && !utf8.RuneStart(text[tail]) {
		tail++
	}
	return text[:head] + cutMark(tail-head) + text[tail:]
}

func cutMark(bytes int) string {
	return fmt.Sprintf("\n[... about %d tokens left out here ...]\n", (bytes+bytesPerToken-1)/bytesPerToken)
}

// pieces cuts text into items of at most size bytes, at character boundaries; nothing is lost.
func pieces(text string, size int) []string {
	var out []string
	for len(text) > size {
		cut := size
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		if cut == 0 { // not UTF-8: any place will do
			cut = size
		}
		out = append(out, text[:cut])
		text = text[cut:]
	}
	return append(out, text)
}
