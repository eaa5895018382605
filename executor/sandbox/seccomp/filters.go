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
	// Enforce, Quiet and Watch (Notify without setup) are in the form bubblewrap reads.
	Enforce, Quiet, Watch []byte
	// Notify is with setup.
	Notify Program
	// Calls are the rows of each call number that Notify may stop; a number without rows is SetupDone.
	Calls map[int32][]Call
}

var cache struct {
	sync.Mutex
	made map[Mode]Filters
}

// For returns the filters of a mode, assembled once a process: they must not be changed. Assembling a program costs more
// than a tenth of a millisecond.
func For(m Mode) (Filters, error) {
	cache.Lock()
	defer cache.Unlock()
	if f, ok := cache.made[m]; ok {
		return f, nil
	}
	enforce, err1 := Enforce(m)
	quiet, err2 := Quiet(m)
	notify, err3 := Notify(m, true)
	watch, err4 := Notify(m, false)
	calls, err5 := ByNumber(m)
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return Filters{}, err
	}
	f := Filters{Enforce: enforce.Bytes(), Quiet: quiet.Bytes(), Watch: watch.Bytes(), Notify: notify, Calls: calls}
	if cache.made == nil {
		cache.made = map[Mode]Filters{}
	}
	cache.made[m] = f
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
