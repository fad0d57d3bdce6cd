//go:build !linux

package main

func mappedBytes() int64 { return 0 }

// forgetPages is for Linux, whose way of counting a program's pages is known.
func forgetPages() {}
