package apiwire

import (
	"errors"
	"strings"
)

// ARN is an Amazon Resource Name taken apart at its first five colons; the
// resource may itself hold colons and slashes.
type ARN struct {
	Partition, Service, Region, Account, Resource string
}

// ErrNotARN says that a string does not have the six parts of an ARN.
var ErrNotARN = errors.New("not an ARN")

// ParseARN takes an ARN apart. It returns [ErrNotARN] when s does not begin
// with "arn:" or lacks one of the six parts; region and account may be empty,
// as in IAM's.
func ParseARN(s string) (ARN, error) {
	p := strings.SplitN(s, ":", 6)
	if len(p) != 6 || p[0] != "arn" || p[1] == "" || p[2] == "" || p[5] == "" {
		return ARN{}, ErrNotARN
	}
	return ARN{Partition: p[1], Service: p[2], Region: p[3], Account: p[4], Resource: p[5]}, nil
}

func (a ARN) String() string {
	return strings.Join([]string{"arn", a.Partition, a.Service, a.Region, a.Account, a.Resource}, ":")
}

// IsARN tells whether s looks like an ARN, for arguments that take a name or
// an ARN.
func IsARN(s string) bool { return strings.HasPrefix(s, "arn:") }

// PartitionOf names the partition that a region belongs to.
func PartitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}
