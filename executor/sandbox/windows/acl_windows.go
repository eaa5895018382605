package windows

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/windows"
)

// apply makes changes in order. undo takes back what was made, also after an error.
func apply(changes []Change) (undo func() error, err error) {
	var steps []func() error
	undo = func() error {
		var errs []error
		for i := len(steps) - 1; i >= 0; i-- {
			errs = append(errs, steps[i]())
		}
		return errors.Join(errs...)
	}
	for _, c := range changes {
		if c.Make {
			err := os.Mkdir(c.Path, 0o700)
			if err != nil && !errors.Is(err, os.ErrExist) {
				return undo, fmt.Errorf("make %s so that it can be closed: %w", c.Path, err)
			}
			if err == nil {
				steps = append(steps, func() error { return os.Remove(c.Path) })
			}
		}
		back, err := change(c)
		if err != nil {
			return undo, fmt.Errorf("change access to %s: %w", c.Path, err)
		}
		steps = append(steps, back)
	}
	return undo, nil
}

// change adds one entry to an access list and returns how to put the old list back.
func change(c Change) (back func() error, err error) {
	sid, err := windows.StringToSid(c.Identity)
	if err != nil {
		return nil, err
	}
	const what = windows.DACL_SECURITY_INFORMATION
	old, err := windows.GetNamedSecurityInfo(c.Path, windows.SE_FILE_OBJECT, what)
	if err != nil {
		return nil, err
	}
	list, _, err := old.DACL()
	if err != nil {
		return nil, err
	}
	entry := windows.EXPLICIT_ACCESS{
		AccessMode: windows.DENY_ACCESS, Inheritance: windows.SUB_CONTAINERS_AND_OBJECTS_INHERIT,
		Trustee: windows.TRUSTEE{TrusteeForm: windows.TRUSTEE_IS_SID, TrusteeType: windows.TRUSTEE_IS_UNKNOWN, TrusteeValue: windows.TrusteeValueFromSID(sid)},
	}
	const write = windows.FILE_GENERIC_WRITE &^ windows.FILE_GENERIC_READ
	switch {
	case c.Allow && c.Access == Modify:
		entry.AccessMode = windows.GRANT_ACCESS
		entry.AccessPermissions = windows.FILE_GENERIC_READ | windows.FILE_GENERIC_WRITE | windows.FILE_GENERIC_EXECUTE | windows.DELETE | fileDeleteChild
	case c.Allow:
		entry.AccessMode = windows.GRANT_ACCESS
		entry.AccessPermissions = windows.FILE_GENERIC_READ | windows.FILE_GENERIC_EXECUTE
	case c.Access == Modify:
		entry.AccessPermissions = write | windows.DELETE | fileDeleteChild | windows.WRITE_DAC | windows.WRITE_OWNER
	default:
		entry.AccessPermissions = windows.GENERIC_ALL
	}
	fresh, err := windows.ACLFromEntries([]windows.EXPLICIT_ACCESS{entry}, list)
	if err != nil {
		return nil, err
	}
	set := func(l *windows.ACL) error {
		return windows.SetNamedSecurityInfo(c.Path, windows.SE_FILE_OBJECT, what, nil, nil, l, nil)
	}
	return func() error { return set(list) }, set(fresh)
}

// fileDeleteChild is FILE_DELETE_CHILD (winnt.h).
const fileDeleteChild = 0x40
