package app

import "proctor/internal/cli"

// ShowRecovered says which sessions were found open and closed.
func ShowRecovered(env cli.Env, s *Store) { showRecovered(env, s.Recovered) }
