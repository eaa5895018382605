//go:build linux

package seccomp

import (
	"errors"
	"sync"

	"proctor/policy/filesystem"
)

// Mode is what the choice of rows depends on.
type Mode struct {
	Network filesystem.Network
	// Reads: opens for reading are watched too, for plans that deny reads by name.
	Reads bool
}

// ModeOf is the mode for a plan.
func ModeOf(p filesystem.Plan) Mode {
	return Mode{Network: p.Network, Reads: len(p.DeniedGlobs) > 0 || p.Mode == filesystem.NamedProfile && len(p.DeniedReads) > 0}
}

// Filters are all programs of one mode.
type Filters struct {
	// Enforce and Quiet are in the form bubblewrap reads.
	Enforce, Quiet []byte
	Notify         Program
	// Calls are the rows of each call number that Notify may stop; a number without rows is SetupDone.
	Calls map[int32][]Call
}

type cacheKey struct {
	mode  Mode
	setup bool
}

var cache struct {
	sync.Mutex
	made map[cacheKey]Filters
}

// For returns the filters of a mode, Notify with setup or without, assembled once a process: they must not be changed.
// Assembling a program costs more than a tenth of a millisecond.
func For(m Mode, setup bool) (Filters, error) {
	cache.Lock()
	defer cache.Unlock()
	key := cacheKey{m, setup}
	if f, ok := cache.made[key]; ok {
		return f, nil
	}
	enforce, err1 := Enforce(m)
	quiet, err2 := Quiet(m)
	notify, err3 := Notify(m, setup)
	calls, err4 := ByNumber(m)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return Filters{}, err
	}
	f := Filters{Enforce: enforce.Bytes(), Quiet: quiet.Bytes(), Notify: notify, Calls: calls}
	if cache.made == nil {
		cache.made = map[cacheKey]Filters{}
	}
	cache.made[key] = f
	return f, nil
}

// ByNumber gives the rows of each call number that Notify may stop in one mode.
func ByNumber(m Mode) (map[int32][]Call, error) {
	host, err := here()
	if err != nil {
		return nil, err
	}
	out := map[int32][]Call{}
	for _, c := range Calls() {
		n, known := host.numbers[c.Name]
		if known && c.in(m) && notified[c.Class] {
			out[int32(n)] = append(out[int32(n)], c)
		}
	}
	return out, nil
}
