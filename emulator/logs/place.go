package logs

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/neargate/neargate/apiwire"
)

// place is the account and region that a log group belongs to.
type place struct{ partition, account, region string }

func placeOf(ctx context.Context) place {
	c := apiwire.CallFrom(ctx)
	return place{apiwire.PartitionOf(c.Region), c.Account, c.Region}
}

// groupARN is the ARN of a group, without the ":*", and its key. With an empty
// name it is what the keys of all groups here begin with.
func (p place) groupARN(name string) string {
	return apiwire.ARN{Partition: p.partition, Service: "logs", Region: p.region, Account: p.account, Resource: "log-group:" + name}.String()
}

// streamMark stands between group and stream in a stream's ARN. No name of a
// group or a stream holds a colon.
const streamMark = ":log-stream:"

// streamARN is the ARN of a stream and its key; with an empty name it is what
// the keys of all streams of the group begin with.
func streamARN(group, name string) string { return group + streamMark + name }

// nameOf is the stream's name out of its key.
func nameOf(stream string) string {
	_, name, _ := strings.Cut(stream, streamMark)
	return name
}

// parseGroupARN returns the key of the group that an ARN means; the ARN may
// end in ":*". A group of another account or region is not there.
func (p place) parseGroupARN(s string) (string, error) {
	arn, err := apiwire.ParseARN(s)
	name, isGroup := strings.CutPrefix(strings.TrimSuffix(arn.Resource, ":*"), "log-group:")
	if err != nil || arn.Service != "logs" || !isGroup || name == "" || strings.Contains(name, ":") {
		return "", invalid("The specified ARN %s is invalid.", s)
	}
	if arn.Account != p.account || arn.Region != p.region {
		return "", errNoGroup()
	}
	return p.groupARN(name), nil
}

// groupKey returns the key of the group that a request names in one of two
// ways.
func (p place) groupKey(name, identifier *string) (string, error) {
	switch id := aws.ToString(identifier); {
	case name != nil && identifier != nil:
		return "", invalid("LogGroupName and LogGroupIdentifier cannot both be specified.")
	case name == nil && identifier == nil:
		return "", invalid("Either LogGroupName or LogGroupIdentifier must be specified.")
	case apiwire.IsARN(id):
		return p.parseGroupARN(id)
	default:
		return p.groupARN(aws.ToString(name) + id), nil
	}
}
