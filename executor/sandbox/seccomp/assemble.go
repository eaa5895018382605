//go:build linux

package seccomp

import (
	elastic "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"

	"proctor/policy/filesystem"
)

// Offsets in struct seccomp_data (linux/seccomp.h); arguments are 8 bytes each, in machine order.
const (
	numberOffset = 0
	archOffset   = 4
	argsOffset   = 16
)

// instructions lays the rows out one after the other, each loading the call number anew; the first that matches decides. (The library's own
// assembler, version 1.6.0, compares the next number with what a failed condition left in the accumulator and lets
// calls of other architectures through, so only its tables are used.)
func instructions(calls []Call, network filesystem.Network, actions map[Class]elastic.Action, info *arch.Info) []bpf.Instruction {
	out := guard(info)
	for _, c := range calls {
		number, known := info.SyscallNames[c.Name]
		action, wanted := actions[c.Class]
		if !known || !wanted || !c.in(network) {
			continue
		}
		body := append(conditions(c.When), bpf.RetConstant{Val: uint32(action)})
		out = append(out, bpf.LoadAbsolute{Off: numberOffset, Size: 4},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(number), SkipFalse: uint8(len(body))})
		out = append(out, body...)
	}
	return append(out, bpf.RetConstant{Val: uint32(elastic.ActionAllow)})
}

// guard refuses every call that is not of the machine's own architecture.
func guard(info *arch.Info) []bpf.Instruction {
	out := []bpf.Instruction{
		bpf.LoadAbsolute{Off: archOffset, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(info.ID), SkipTrue: 1},
		bpf.RetConstant{Val: uint32(enosys)},
	}
	if info.ID == arch.X86_64.ID {
		out = append(out, bpf.LoadAbsolute{Off: numberOffset, Size: 4},
			bpf.JumpIf{Cond: bpf.JumpLessThan, Val: uint32(arch.X32.SeccompMask), SkipTrue: 1},
			bpf.RetConstant{Val: uint32(enosys)})
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
