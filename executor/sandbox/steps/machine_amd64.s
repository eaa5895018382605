//go:build linux

#include "textflag.h"

// The machine. BX is the current step; the layout is that of encode in program.go. It is never called: its bytes are
// copied into an executable, so it must not depend on where it lies.
TEXT ·machine(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ $0x500010, BX // the first step
next:
	MOVQ 0(BX), AX
	MOVQ 8(BX), DI
	MOVQ 16(BX), SI
	MOVQ 24(BX), DX
	MOVQ 32(BX), R10
	MOVQ 40(BX), R8
	MOVQ 48(BX), R9
	SYSCALL
	MOVQ $0x500000, CX // the report of the last step
	MOVQ AX, 0(CX)
	MOVQ BX, 8(CX)
	MOVQ 56(BX), CX
	MOVQ AX, 0(CX)
	CMPQ AX, 64(BX)
	JEQ  done
	CMPQ AX, 72(BX)
	JEQ  done
	TESTQ AX, AX
	JGT  positive
	MOVQ 96(BX), BX
	JMP  next
positive:
	MOVQ 88(BX), BX
	JMP  next
done:
	MOVQ 80(BX), BX
	JMP  next
	LONG $0x70657473 // end, see code
	LONG $0x646e6520

TEXT ·location(SB), NOSPLIT|NOFRAME, $0-8
	LEAQ ·machine(SB), AX
	MOVQ AX, ret+0(FP)
	RET
