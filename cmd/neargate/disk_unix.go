//go:build unix

package main

import "golang.org/x/sys/unix"

// freeDisk is the room, in bytes, that is left for ordinary users where dir is.
func freeDisk(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return s.Bavail * uint64(s.Bsize), nil
}
