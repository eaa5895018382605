// Gen writes the pages that are made from the event catalog, into the folder it is given.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"proctor/event"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	schema, err := event.Schema()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "events.schema.json"), schema, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "events.md"), []byte(event.Describe()), 0o644)
}
