package store

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lockByte lies behind what the file says, since a locked range cannot be read
// by others.
const lockByte = 1 << 20

// tryLock takes the lock unless somebody has it.
func tryLock(f *os.File) (busy bool, err error) {
	err = windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY,
		0, 1, 0, &windows.Overlapped{Offset: lockByte})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return true, nil
	}
	return false, err
}
