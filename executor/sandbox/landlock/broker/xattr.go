//go:build linux

package broker

import (
	"strings"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox/denial"
)

// Only attributes of the user's own name space are set: others carry labels, capabilities and access lists.
const userAttributes = "user."

const (
	// valueLimit bounds an extended attribute (XATTR_SIZE_MAX), in bytes.
	valueLimit = 64 << 10
	nameLimit  = 256
)

func setxattr(c call) denial.Answer  { return c.setxattr(c.at(-1, 0, follow)) }
func lsetxattr(c call) denial.Answer { return c.setxattr(c.at(-1, 0, stay)) }
func fsetxattr(c call) denial.Answer { return c.setxattr(c.held(c.fd(0))) }

func (c call) setxattr(p place, errno unix.Errno) denial.Answer {
	if errno != 0 {
		return fails(errno)
	}
	name, errno := c.attribute()
	if errno != 0 {
		p.close()
		return fails(errno)
	}
	size := c.Args[3]
	if size > valueLimit {
		p.close()
		return fails(unix.E2BIG)
	}
	value := c.broker.memory.Bytes(c.Thread, c.Args[2], int(size))
	if uint64(len(value)) < size {
		p.close()
		return fails(unix.EFAULT)
	}
	flags := int(int32(c.Args[4]))
	return c.metadata(p, 0, func(o object) error {
		if o.link {
			return unix.EPERM // user attributes are for files and directories
		}
		return unix.Setxattr(o.name, name, value, flags)
	})
}

func removexattr(c call) denial.Answer  { return c.removexattr(c.at(-1, 0, follow)) }
func lremovexattr(c call) denial.Answer { return c.removexattr(c.at(-1, 0, stay)) }
func fremovexattr(c call) denial.Answer { return c.removexattr(c.held(c.fd(0))) }

func (c call) removexattr(p place, errno unix.Errno) denial.Answer {
	if errno != 0 {
		return fails(errno)
	}
	name, errno := c.attribute()
	if errno != 0 {
		p.close()
		return fails(errno)
	}
	return c.metadata(p, 0, func(o object) error {
		if o.link {
			return unix.EPERM
		}
		return unix.Removexattr(o.name, name)
	})
}

func (c call) attribute() (string, unix.Errno) {
	name, errno := c.broker.memory.String(c.Thread, c.Args[1], nameLimit)
	switch {
	case errno == unix.ENAMETOOLONG:
		return "", unix.ERANGE
	case errno != 0:
		return "", errno
	case !strings.HasPrefix(name, userAttributes):
		return "", unix.EOPNOTSUPP
	}
	return name, 0
}
