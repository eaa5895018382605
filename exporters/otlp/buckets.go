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
	// costBounds and requestBounds are those of codex.guardian.context.section_cost and request_tokens.
	costBounds = []float64{
		0, 1, 2, 4, 8, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 8388608, 16777216,
	}
	requestBounds = []float64{1000, 4000, 16000, 32000, 64000, 128000, 256000, 400000, 512000, 1000000, 2000000}
)
