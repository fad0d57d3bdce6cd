package main

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// mappedBytes is how much of files is mapped in: the third number of
// /proc/self/statm. 0: unknown.
func mappedBytes() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 3 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// forgetPages maps out the pages of the program and its libraries that can be
// read again from their files. Where /proc cannot be read, nothing happens.
func forgetPages() {
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer f.Close()
	var from, to uintptr
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		if !strings.HasSuffix(fields[0], ":") {
			from, to = codeRange(fields)
			continue
		}
		// Pages that were written to, as the loader does, are in no file.
		if fields[0] == "Anonymous:" && fields[1] == "0" && from < to {
			_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, from, to-from, syscall.MADV_DONTNEED)
		}
	}
}

// codeRange reads the line of a mapping, such as
// "00403000-00e79000 r-xp 00003000 fe:00 10445006 /usr/bin/neargate": its
// addresses when it is a private one of a file that nobody writes to, else none.
func codeRange(fields []string) (from, to uintptr) {
	if len(fields) < 6 || fields[1] != "r-xp" && fields[1] != "r--p" || !strings.HasPrefix(fields[5], "/") {
		return 0, 0
	}
	a, b, ok := strings.Cut(fields[0], "-")
	first, err1 := strconv.ParseUint(a, 16, 64)
	last, err2 := strconv.ParseUint(b, 16, 64)
	if !ok || err1 != nil || err2 != nil {
		return 0, 0
	}
	return uintptr(first), uintptr(last)
}
