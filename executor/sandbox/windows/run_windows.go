package windows

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"unicode/utf16"
	"unsafe"

	"golang.org/x/sys/windows"

	"proctor/executor/sandbox"
)

// Run confines argv by p, with the standard streams of this process, and returns its exit status. When ctx ends the whole job
// is ended. An error means that nothing was run, or that its end is not known.
func Run(ctx context.Context, p Plan, argv []string, dir string, env []string) (status int, err error) {
	program, err := exec.LookPath(argv[0])
	if err != nil {
		return 0, fmt.Errorf("%w: %w", sandbox.ErrNotFound, err)
	}
	undo, err := apply(p.Changes)
	defer func() { err = errors.Join(err, undo()) }()
	if err != nil {
		return 0, fmt.Errorf("%w: %w", sandbox.ErrSetup, err)
	}
	token, err := restrict(p.Token)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", sandbox.ErrSetup, err)
	}
	defer token.Close()
	job, err := newJob(p.Job)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", sandbox.ErrSetup, err)
	}
	defer windows.CloseHandle(job)
	process, err := start(token, job, program, argv, dir, env)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", sandbox.ErrSetup, err)
	}
	defer windows.CloseHandle(process)
	stop := context.AfterFunc(ctx, func() { _ = windows.TerminateJobObject(job, 1) })
	defer stop()
	if _, err := windows.WaitForSingleObject(process, windows.INFINITE); err != nil {
		return 0, fmt.Errorf("wait for the command: %w", err)
	}
	var code uint32
	if err := windows.GetExitCodeProcess(process, &code); err != nil {
		return 0, fmt.Errorf("read the exit status: %w", err)
	}
	return int(code), nil
}

// start creates the process stopped, puts it into the job, and only then lets it run.
func start(token windows.Token, job windows.Handle, program string, argv []string, dir string, env []string) (windows.Handle, error) {
	line, err1 := windows.UTF16PtrFromString(windows.ComposeCommandLine(argv))
	name, err2 := windows.UTF16PtrFromString(program)
	folder, err3 := windows.UTF16PtrFromString(dir)
	if err := errors.Join(err1, err2, err3); err != nil {
		return 0, err
	}
	info := windows.StartupInfo{Flags: windows.STARTF_USESTDHANDLES}
	info.Cb = uint32(unsafe.Sizeof(info))
	for _, s := range []struct {
		which uint32
		to    *windows.Handle
	}{{windows.STD_INPUT_HANDLE, &info.StdInput}, {windows.STD_OUTPUT_HANDLE, &info.StdOutput}, {windows.STD_ERROR_HANDLE, &info.StdErr}} {
		h, err := windows.GetStdHandle(s.which)
		if err != nil {
			return 0, err
		}
		if err := windows.SetHandleInformation(h, windows.HANDLE_FLAG_INHERIT, windows.HANDLE_FLAG_INHERIT); err != nil {
			return 0, err
		}
		*s.to = h
	}
	var made windows.ProcessInformation
	block := environment(env)
	if err := windows.CreateProcessAsUser(token, name, line, nil, nil, true,
		windows.CREATE_SUSPENDED|windows.CREATE_UNICODE_ENVIRONMENT, &block[0], folder, &info, &made); err != nil {
		return 0, fmt.Errorf("create process: %w", err)
	}
	defer windows.CloseHandle(made.Thread)
	if err := windows.AssignProcessToJobObject(job, made.Process); err != nil {
		return 0, errors.Join(fmt.Errorf("put process into job: %w", err), windows.TerminateProcess(made.Process, 1), windows.CloseHandle(made.Process))
	}
	if _, err := windows.ResumeThread(made.Thread); err != nil {
		return 0, errors.Join(fmt.Errorf("let process run: %w", err), windows.TerminateProcess(made.Process, 1), windows.CloseHandle(made.Process))
	}
	return made.Process, nil
}

// environment is a block of UTF-16 strings, each ended by a NUL, and one more NUL.
func environment(env []string) []uint16 {
	var out []uint16
	for _, e := range env {
		if !strings.ContainsRune(e, 0) {
			out = append(append(out, utf16.Encode([]rune(e))...), 0)
		}
	}
	if len(out) == 0 {
		out = append(out, 0)
	}
	return append(out, 0)
}
