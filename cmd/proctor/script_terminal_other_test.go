//go:build !unix

package main

import (
	"errors"
	"os"
)

// pollable has no terminals to make so: the scripts that need one do not run here.
func pollable(*os.File) (*os.File, error) { return nil, errors.ErrUnsupported }
