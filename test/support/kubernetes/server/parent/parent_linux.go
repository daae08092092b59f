package parent

import "syscall"

// A stopped process does not notice that its standard input closes. Linux kills it.
func init() {
	syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0)
}
