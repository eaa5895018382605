package app

// ShowRecovered says which sessions were found open and closed.
func ShowRecovered(env Env, s *Store) { showRecovered(env, s.Recovered) }
