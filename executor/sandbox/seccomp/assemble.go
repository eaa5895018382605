//go:build linux

package seccomp

import (
	"slices"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Offsets in struct seccomp_data (linux/seccomp.h); arguments are 8 bytes each, in machine order.
const (
	numberOffset = 0
	archOffset   = 4
	argsOffset   = 16
)

// instructions lays the rows out one after the other, each loading the call number anew; the first that matches decides.
func instructions(calls []Call, m Mode, actions map[Class]uint32, host machine) []bpf.Instruction {
	out := slices.Grow(guard(host), 4*len(calls))
	for _, c := range calls {
		number, known := host.numbers[c.Name]
		action, wanted := actions[c.Class]
		if !known || !wanted || !c.in(m) {
			continue
		}
		body := append(conditions(c.When), bpf.RetConstant{Val: action})
		out = append(out, bpf.LoadAbsolute{Off: numberOffset, Size: 4},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(number), SkipFalse: uint8(len(body))})
		out = append(out, body...)
	}
	return append(out, bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW})
}

// guard refuses every call that is not of the machine's own architecture.
func guard(m machine) []bpf.Instruction {
	out := []bpf.Instruction{
		bpf.LoadAbsolute{Off: archOffset, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: m.arch, SkipTrue: 1},
		bpf.RetConstant{Val: enosys},
	}
	if m.foreign != 0 {
		out = append(out, bpf.LoadAbsolute{Off: numberOffset, Size: 4},
			bpf.JumpIf{Cond: bpf.JumpLessThan, Val: m.foreign, SkipTrue: 1},
			bpf.RetConstant{Val: enosys})
	}
	return out
}

// conditions falls through when all hold and otherwise jumps over itself and one more instruction.
func conditions(all []Condition) []bpf.Instruction {
	var out []bpf.Instruction
	for i := len(all) - 1; i >= 0; i-- {
		out = append(all[i].instructions(uint8(len(out)+1)), out...)
	}
	return out
}
