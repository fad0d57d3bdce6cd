package eks

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file is the Fargate profile's record and how it is found.

// FargateProfile is a profile as it is stored.
type FargateProfile struct {
	types.FargateProfile
	Asked asked // by which CreateFargateProfile
}

// profiles are kept under their cluster and name.
var profiles = store.NewTable[FargateProfile]("eks/fargate-profile")

// maxProfiles is the quota of profiles in a cluster.
const maxProfiles = 10

func (p *FargateProfile) name() string { return aws.ToString(p.FargateProfileName) }

// profile finds a profile of a cluster.
func profile(tx *store.Tx, cluster, name string) (store.Record[FargateProfile], error) {
	r, err := profiles.Get(tx, partKey(cluster, name))
	if hasNot(err) {
		return r, about{cluster: clusterName(cluster), profile: name}.notFound("No Fargate Profile found with name: %s.", name)
	}
	return r, err
}

func taggedProfile(tx *store.Tx, arn apiwire.ARN) (tagged, error) {
	cluster, rest := arnParts(arn)
	name, _, _ := strings.Cut(rest, "/")
	r, err := profiles.Get(tx, partKey(cluster, name))
	if err != nil {
		return tagged{}, err
	}
	if aws.ToString(r.Value.FargateProfileArn) != arn.String() {
		return tagged{}, store.ErrNotFound
	}
	return tagsOf(tx, profiles, r.Key, func(p *FargateProfile) *map[string]string { return &p.Tags })
}
