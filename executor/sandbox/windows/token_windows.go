package windows

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/windows"
)

var createRestrictedToken = windows.NewLazySystemDLL("advapi32.dll").NewProc("CreateRestrictedToken")

// disableMaxPrivilege removes every privilege but SeChangeNotifyPrivilege (winnt.h).
const disableMaxPrivilege = 1

// restrict makes the restricted copy of this process's token.
func restrict(t Token) (windows.Token, error) {
	var own windows.Token
	const access = windows.TOKEN_DUPLICATE | windows.TOKEN_QUERY | windows.TOKEN_ASSIGN_PRIMARY
	if err := windows.OpenProcessToken(windows.CurrentProcess(), access, &own); err != nil {
		return 0, fmt.Errorf("open own token: %w", err)
	}
	defer own.Close()
	deny, err := identities(t.DenyOnly)
	if err != nil {
		return 0, err
	}
	only, err := identities(t.Restricting)
	if err != nil {
		return 0, err
	}
	var out windows.Token
	ok, _, err := createRestrictedToken.Call(uintptr(own), disableMaxPrivilege, uintptr(len(deny)), uintptr(unsafe.Pointer(&deny[0])),
		0, 0, uintptr(len(only)), uintptr(unsafe.Pointer(&only[0])), uintptr(unsafe.Pointer(&out)))
	if ok == 0 {
		return 0, fmt.Errorf("restrict token: %w", err)
	}
	return out, nil
}

func identities(texts []string) ([]windows.SIDAndAttributes, error) {
	out := make([]windows.SIDAndAttributes, len(texts))
	for i, s := range texts {
		sid, err := windows.StringToSid(s)
		if err != nil {
			return nil, fmt.Errorf("identity %s: %w", s, err)
		}
		out[i].Sid = sid
	}
	return out, nil
}

func newJob(j Job) (windows.Handle, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0, fmt.Errorf("make job: %w", err)
	}
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{}
	flags := uint32(windows.JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION)
	if j.KillOnClose {
		flags |= windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	}
	if j.Processes > 0 {
		flags |= windows.JOB_OBJECT_LIMIT_ACTIVE_PROCESS
		limits.BasicLimitInformation.ActiveProcessLimit = uint32(j.Processes)
	}
	if j.Memory > 0 {
		flags |= windows.JOB_OBJECT_LIMIT_PROCESS_MEMORY
		limits.ProcessMemoryLimit = uintptr(j.Memory)
	}
	limits.BasicLimitInformation.LimitFlags = flags
	desktop := windows.JOBOBJECT_BASIC_UI_RESTRICTIONS{UIRestrictionsClass: windows.JOB_OBJECT_UILIMIT_DESKTOP |
		windows.JOB_OBJECT_UILIMIT_DISPLAYSETTINGS | windows.JOB_OBJECT_UILIMIT_EXITWINDOWS | windows.JOB_OBJECT_UILIMIT_GLOBALATOMS |
		windows.JOB_OBJECT_UILIMIT_HANDLES | windows.JOB_OBJECT_UILIMIT_READCLIPBOARD | windows.JOB_OBJECT_UILIMIT_SYSTEMPARAMETERS |
		windows.JOB_OBJECT_UILIMIT_WRITECLIPBOARD}
	var held runtime.Pinner // their addresses wait in the table below
	defer held.Unpin()
	held.Pin(&limits)
	held.Pin(&desktop)
	for _, set := range []struct {
		class uint32
		data  uintptr
		size  uintptr
	}{
		{windows.JobObjectExtendedLimitInformation, uintptr(unsafe.Pointer(&limits)), unsafe.Sizeof(limits)},
		{windows.JobObjectBasicUIRestrictions, uintptr(unsafe.Pointer(&desktop)), unsafe.Sizeof(desktop)},
	} {
		if _, err := windows.SetInformationJobObject(job, set.class, set.data, uint32(set.size)); err != nil {
			_ = windows.CloseHandle(job)
			return 0, fmt.Errorf("limit job: %w", err)
		}
	}
	return job, nil
}
