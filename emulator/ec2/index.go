package ec2

import (
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/neargate/neargate/emulator/store"
)

// This file is about looking resources up by what they belong to. Names of
// indexes say what the value is.

const (
	inVPC       = "vpc"
	inSubnet    = "subnet"
	inGroup     = "group"
	association = "association"
)

// hasAny tells whether a sequence yields anything.
func hasAny[T any](seq iter.Seq2[*T, error]) (bool, error) {
	return hasMore(seq, func(*T) bool { return false })
}

// hasMore tells whether a sequence yields anything that own does not hold of.
func hasMore[T any](seq iter.Seq2[*T, error], own func(*T) bool) (bool, error) {
	for v, err := range seq {
		if err != nil {
			return false, err
		}
		if !own(v) {
			return true, nil
		}
	}
	return false, nil
}

// firstTrue asks until one says yes or fails.
func firstTrue(questions ...func() (bool, error)) (bool, error) {
	for _, ask := range questions {
		if yes, err := ask(); yes || err != nil {
			return yes, err
		}
	}
	return false, nil
}

// deleteAll deletes the resources of a kind that are in a VPC.
func deleteAll[T any](tx *store.Tx, p place, r *resource[T], vpc string) error {
	found, err := r.list(tx, p, inVPC, vpc)
	if err != nil {
		return err
	}
	for i := range found {
		if err := r.delete(tx, p, aws.ToString(r.id(&found[i]))); err != nil {
			return err
		}
	}
	return nil
}
