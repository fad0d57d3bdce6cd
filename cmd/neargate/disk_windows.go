package main

import "golang.org/x/sys/windows"

// freeDisk is the room, in bytes, that is left for this user where dir is.
func freeDisk(dir string) (free uint64, err error) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, err
	}
	return free, windows.GetDiskFreeSpaceEx(path, &free, nil, nil)
}
