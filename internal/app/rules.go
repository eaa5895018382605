package app

import (
	"fmt"

	"proctor/policy/execrules"
)

func ruleNames(files []execrules.File) []string {
	var names []string
	for i, f := range files {
		if i == maxListed {
			return append(names, fmt.Sprintf("… %d more", len(files)-i))
		}
		names = append(names, shorten(f.Name, maxListedText))
	}
	return names
}

func ruleTexts(files []execrules.File) []string {
	texts := make([]string, 0, 2*len(files))
	for _, f := range files {
		texts = append(texts, f.Name, f.Text)
	}
	return texts
}
