package logs

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/neargate/neargate/emulator/store"
)

// This file alters what a log group is set to; tag.go has its tags.

// change alters the group with the key that find returns.
func (a *API) change(ctx context.Context, find func(p place) (string, error), alter func(g *group) error) error {
	return a.update(ctx, func(tx *store.Tx, p place) error {
		key, err := find(p)
		if err != nil {
			return err
		}
		r, err := getGroup(tx, key)
		if err != nil {
			return err
		}
		if err := alter(&r.Value); err != nil {
			return err
		}
		return groups.Replace(tx, r)
	})
}

// named finds a group by its name.
func named(name *string) func(p place) (string, error) {
	return func(p place) (string, error) { return p.groupARN(aws.ToString(name)), nil }
}

// retentions are the days that events can be kept.
var retentions = []int32{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

// PutRetentionPolicy sets how long events are kept. Those that are older are
// gone at once or soon after.
func (a *API) PutRetentionPolicy(ctx context.Context, in *cloudwatchlogs.PutRetentionPolicyInput) (*cloudwatchlogs.PutRetentionPolicyOutput, error) {
	if !slices.Contains(retentions, *in.RetentionInDays) {
		words := make([]string, len(retentions))
		for i, d := range retentions {
			words[i] = strconv.Itoa(int(d))
		}
		return nil, invalid("1 validation error detected: Value '%d' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: [%s]",
			*in.RetentionInDays, strings.Join(words, ", "))
	}
	err := a.change(ctx, named(in.LogGroupName), func(g *group) error { return g.keep(*in.RetentionInDays) })
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.PutRetentionPolicyOutput{}, nil
}

// DeleteRetentionPolicy has events kept for ever.
func (a *API) DeleteRetentionPolicy(ctx context.Context, in *cloudwatchlogs.DeleteRetentionPolicyInput) (*cloudwatchlogs.DeleteRetentionPolicyOutput, error) {
	err := a.change(ctx, named(in.LogGroupName), func(g *group) error { return g.keep(0) })
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.DeleteRetentionPolicyOutput{}, nil
}

// keep sets the retention; that of the class DELIVERY is fixed.
func (g *group) keep(days int32) error {
	if g.Class == types.LogGroupClassDelivery {
		return invalid("The retention of log groups of the log class DELIVERY cannot be changed.")
	}
	g.Retention = days
	return nil
}

// AssociateKmsKey remembers with which key events are to be encrypted. Nothing
// is: the key is a stored fact.
func (a *API) AssociateKmsKey(ctx context.Context, in *cloudwatchlogs.AssociateKmsKeyInput) (*cloudwatchlogs.AssociateKmsKeyOutput, error) {
	err := a.change(ctx, either(in.LogGroupName, in.ResourceIdentifier), func(g *group) error { g.KMSKey = *in.KmsKeyId; return nil })
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.AssociateKmsKeyOutput{}, nil
}

// DisassociateKmsKey forgets the key.
func (a *API) DisassociateKmsKey(ctx context.Context, in *cloudwatchlogs.DisassociateKmsKeyInput) (*cloudwatchlogs.DisassociateKmsKeyOutput, error) {
	err := a.change(ctx, either(in.LogGroupName, in.ResourceIdentifier), func(g *group) error { g.KMSKey = ""; return nil })
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.DisassociateKmsKeyOutput{}, nil
}

// either finds a group by its name or its ARN.
func either(name, resource *string) func(p place) (string, error) {
	return func(p place) (string, error) {
		switch {
		case name != nil && resource != nil:
			return "", invalid("Only one of logGroupName and resourceIdentifier can be specified.")
		case name == nil && resource == nil:
			return "", invalid("Either logGroupName or resourceIdentifier must be specified.")
		case name != nil:
			return p.groupARN(*name), nil
		}
		return p.parseGroupARN(*resource)
	}
}

// PutLogGroupDeletionProtection sets whether DeleteLogGroup is refused.
func (a *API) PutLogGroupDeletionProtection(ctx context.Context, in *cloudwatchlogs.PutLogGroupDeletionProtectionInput) (*cloudwatchlogs.PutLogGroupDeletionProtectionOutput, error) {
	find := func(p place) (string, error) { return p.groupKey(nil, in.LogGroupIdentifier) }
	err := a.change(ctx, find, func(g *group) error { g.Protected = *in.DeletionProtectionEnabled; return nil })
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.PutLogGroupDeletionProtectionOutput{}, nil
}
