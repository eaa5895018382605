//go:build !linux

package app

import "errors"

func keepMemory() error {
	return errors.New("this system has no way to forbid it that this program knows")
}
