//go:build !linux

package app

// threadOfParent is known on Linux only.
func threadOfParent() string { return "" }

// threadOfGroup is known on Linux only.
func threadOfGroup(int) string { return "" }
