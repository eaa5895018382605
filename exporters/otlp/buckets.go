package otlp

// Bucket bounds of the CLI.
var (
	// durationBounds are those of every histogram in milliseconds.
	durationBounds = []float64{
		0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 1250, 1500, 1750, 2000, 2250, 2500, 3000, 3500, 4000, 4500,
		5000, 6000, 7000, 7500, 8000, 9000, 10000, 12000, 15000, 20000, 30000, 60000, 120000,
	}
	// countBounds are those of plain histograms.
	countBounds = []float64{0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000}
	// attemptBounds are those of codex.guardian.review.attempt_count.
	attemptBounds = []float64{0, 1, 2, 3}
)
