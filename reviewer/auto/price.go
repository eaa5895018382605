package auto

import (
	"math"

	"proctor/event"
)

// Price is what a million tokens cost; zero is unknown.
type Price struct{ Input, Cached, Output float64 }

// of is the price of u in millionths of the currency. Without a price of their own, cached tokens cost as much as others.
func (p Price) of(u event.Usage) int64 {
	cached := p.Cached
	if cached == 0 {
		cached = p.Input
	}
	return int64(math.Round(float64(u.Input-u.Cached)*p.Input + float64(u.Cached)*cached + float64(u.Output)*p.Output))
}
