//go:build !linux

package app

import (
	"errors"
	"io"
	"os"
)

// keyboard is not read here: sessions run on Linux.
type keyboard struct{ in *os.File }

// Begin implements human.Input.
func (k *keyboard) Begin() (io.Reader, error) {
	return nil, errors.New("questions in a terminal are asked on Linux only")
}

// End implements human.Input.
func (k *keyboard) End() {}
