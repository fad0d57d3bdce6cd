package iam

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base32"
	"encoding/json"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/neargate/neargate/apiwire"
)

// This file is the policies that AWS manages, as far as they are known here.

// managedText has a line for each: path, name, actions. A path is written
// without its outer slashes, "-" for none; actions are separated by commas.
//
//go:embed managed.txt
var managedText string

// awsAccount stands where the account does in the ARNs of AWS's policies.
const awsAccount = "aws"

// managedSince is when AWS first managed policies; it is the date of all of
// them here.
var managedSince = time.Date(2015, 2, 6, 18, 40, 0, 0, time.UTC)

// isManaged tells whether an ARN is of one of AWS's policies.
func isManaged(arn string) bool {
	parsed, err := apiwire.ParseARN(arn)
	return err == nil && parsed.Account == awsAccount
}

// managedPolicy finds one of AWS's policies.
func managedPolicy(h home, arn string) (*policy, error) {
	for line := range strings.Lines(managedText) {
		if p := readManaged(h, line); p != nil && *p.Policy.Arn == arn {
			return p, nil
		}
	}
	return nil, noSuch(policies.absent, arn)
}

// managedPolicies lists AWS's policies.
func managedPolicies(h home) []*policy {
	var all []*policy
	for line := range strings.Lines(managedText) {
		if p := readManaged(h, line); p != nil {
			all = append(all, p)
		}
	}
	return all
}

// readManaged reads a line of the table, nil for one that is empty.
func readManaged(h home, line string) *policy {
	f := strings.Fields(line)
	if len(f) != 3 {
		return nil
	}
	path := "/"
	if f[0] != "-" {
		path = "/" + f[0] + "/"
	}
	arn := home{partition: h.partition, account: awsAccount}.arn("policy", path, f[1])
	return &policy{
		Policy: types.Policy{
			PolicyName: &f[1], Arn: &arn, Path: &path, PolicyId: aws.String(managedID(f[1])), DefaultVersionId: aws.String("v1"),
			IsAttachable: true, CreateDate: &managedSince, UpdateDate: &managedSince,
		},
		Versions: []types.PolicyVersion{{VersionId: aws.String("v1"), IsDefaultVersion: true, CreateDate: &managedSince, Document: aws.String(allow(strings.Split(f[2], ",")))}},
	}
}

// managedID makes an id that is always the same for the same policy.
func managedID(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "ANPA" + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

// allow is a policy document that allows actions on everything.
func allow(actions []string) string {
	type statement struct {
		Effect   string
		Action   any
		Resource string
	}
	s := statement{Effect: "Allow", Action: actions, Resource: "*"}
	if len(actions) == 1 {
		s.Action = actions[0]
	}
	raw, _ := json.Marshal(struct { // strings alone cannot fail
		Version   string
		Statement []statement
	}{"2012-10-17", []statement{s}})
	return string(raw)
}
