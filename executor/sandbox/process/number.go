//go:build linux

package process

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// numberEvery is how often processes are counted where the kernel does not hold them to a limit.
const numberEvery = 100 * time.Millisecond

// watchNumber kills the command when more than Limits.Processes run below the child. Only the host's root needs it: the
// kernel exempts that user from RLIMIT_NPROC. It ends with the child.
func (p *Process) watchNumber(limit int) {
	ticker := time.NewTicker(numberEvery)
	defer ticker.Stop()
	for {
		select {
		case <-p.exited:
			return
		case <-ticker.C:
			if count(p.child.Pid, limit+1) > limit {
				p.Kill()
				return
			}
		}
	}
}

// count is the number of tasks of pid and everything below it, at most limit.
func count(pid, limit int) int {
	dir := "/proc/" + strconv.Itoa(pid) + "/task/"
	tasks, err := os.ReadDir(dir)
	if err != nil {
		return 0
	}
	n := 0
	for _, task := range tasks {
		n++
		children, _ := os.ReadFile(dir + task.Name() + "/children")
		for _, child := range strings.Fields(string(children)) {
			if n >= limit {
				return limit
			}
			if id, err := strconv.Atoi(child); err == nil {
				n += count(id, limit-n)
			}
		}
	}
	return n
}
