package eks

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
)

// This file makes the identifiers of EKS.

// hexID returns n lower-case hex digits, at most 64.
func hexID(n int) string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b[:])[:n]
}

// clusterID is what a cluster's endpoint and issuer have in common.
func clusterID() string { return strings.ToUpper(hexID(32)) }

// uuid returns a random UUID (version 4) with dashes.
func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// digits returns n decimal digits, at most 16, of which the first is not 0.
func digits(n int) string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	for i := range b[:n] {
		b[i] = '0' + b[i]%10
	}
	if b[0] == '0' {
		b[0] = '1'
	}
	return string(b[:n])
}
