//go:build !unix

package config

func isNotDir(error) bool { return false }
