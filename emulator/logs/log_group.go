package logs

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/neargate/neargate/emulator/store"
)

// This file makes and deletes log groups; log_group_describe.go shows them,
// log_group_change.go alters them.

// group is a log group; its key is its ARN without ":*".
type group struct {
	Name      string
	Created   int64 // ms since 1970
	Class     types.LogGroupClass
	Retention int32             `json:",omitempty"` // days; 0: for ever
	KMSKey    string            `json:",omitempty"` // ARN
	Protected bool              `json:",omitempty"` // against deletion
	Tags      map[string]string `json:",omitempty"`
}

var groups = store.NewTable[group]("logs/group")

// getGroup reads a group by its key.
func getGroup(tx *store.Tx, key string) (store.Record[group], error) {
	r, err := groups.Get(tx, key)
	return r, absent(err, errNoGroup())
}

// CreateLogGroup makes a log group.
func (a *API) CreateLogGroup(ctx context.Context, in *cloudwatchlogs.CreateLogGroupInput) (*cloudwatchlogs.CreateLogGroupOutput, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	g := group{
		Name: *in.LogGroupName, Class: in.LogGroupClass, KMSKey: aws.ToString(in.KmsKeyId),
		Protected: aws.ToBool(in.DeletionProtectionEnabled), Tags: in.Tags,
	}
	err := a.update(ctx, func(tx *store.Tx, p place) error { return p.createGroup(tx, g) })
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.CreateLogGroupOutput{}, nil
}

func (p place) createGroup(tx *store.Tx, g group) error {
	if strings.HasPrefix(strings.ToLower(g.Name), "aws/") {
		return invalid("Log groups starting with AWS/ are reserved for AWS.")
	}
	if g.Class == "" {
		g.Class = types.LogGroupClassStandard
	}
	if g.Class == types.LogGroupClassDelivery {
		g.Retention = deliveryRetention
	}
	g.Created = tx.Now().UnixMilli()
	return taken(groups.Insert(tx, p.groupARN(g.Name), &g), errGroupExists())
}

// deliveryRetention is the fixed retention of the class DELIVERY, in days, as
// DescribeLogGroups shows it.
const deliveryRetention = 2

// DeleteLogGroup deletes a log group with its streams and all their events.
func (a *API) DeleteLogGroup(ctx context.Context, in *cloudwatchlogs.DeleteLogGroupInput) (*cloudwatchlogs.DeleteLogGroupOutput, error) {
	err := a.update(ctx, func(tx *store.Tx, p place) error {
		g, err := getGroup(tx, p.groupARN(*in.LogGroupName))
		if err != nil {
			return err
		}
		if g.Value.Protected {
			return errProtected()
		}
		return deleteGroup(tx, g.Key)
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.DeleteLogGroupOutput{}, nil
}

func deleteGroup(tx *store.Tx, key string) error {
	all, err := streamsOf(tx, key, store.Range{})
	if err != nil {
		return err
	}
	for _, s := range all {
		if err := deleteStream(tx, s.Key); err != nil {
			return err
		}
	}
	return groups.Delete(tx, key)
}

func errProtected() error {
	return &types.ValidationException{Message: aws.String("The specified log group has deletion protection enabled. Disable deletion protection before you delete it.")}
}
