package config

import "fmt"

// nearest is the known key closest to a mistyped one, empty when none is close.
func nearest[V any](key string, known map[string]V) string {
	return nearestOf(key, sortedKeys(known))
}

func nearestOf(word string, known []string) string {
	best, bestDist := "", max(2, len(word)/3)+1
	if len(word) <= 3 {
		bestDist = 2
	}
	if len(word) > maxTextShown {
		return ""
	}
	for _, k := range known {
		if d := editDistance(word, k); d < bestDist && d < len(k) {
			best, bestDist = k, d
		}
	}
	return best
}

func nearestHint(word string, known []string) string {
	if near := nearestOf(word, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}

// editDistance is Levenshtein over bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
