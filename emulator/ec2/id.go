package ec2

import (
	"crypto/rand"
	"encoding/hex"
	"regexp"
	"strings"
)

// newID makes an id of EC2's form: prefix and 17 hexadecimal digits, the first
// of them 0 as in all of AWS's own.
func newID(prefix string) string {
	var b [8]byte
	rand.Read(b[:])
	return prefix + "0" + hex.EncodeToString(b[:])
}

// hexTail matches what follows the prefix of an id: 8 digits in old ids, 17 in
// new ones.
var hexTail = regexp.MustCompile(`^([0-9a-f]{8}|[0-9a-f]{17})$`)

// wellFormed tells whether id has the form of ids with that prefix. Longer or
// shorter tails of hexadecimal digits count as well formed, as with AWS, where
// they lead to "does not exist".
func wellFormed(prefix, id string) bool {
	tail, ok := strings.CutPrefix(id, prefix)
	return ok && (hexTail.MatchString(tail) || isHex(tail))
}

func isHex(s string) bool {
	return s != "" && strings.Trim(s, "0123456789abcdef") == ""
}
