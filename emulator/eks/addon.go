package eks

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/store"
)

// This file is the record of an add-on and how its status moves. Which add-ons
// there are is in addon_catalog.go, what callers may give in addon_check.go,
// the operations are in addon_change.go and addon_read.go.

// Addon is an add-on of a cluster as it is stored.
type Addon struct {
	types.Addon
	Asked asked // by which request
	// Kept: it was deleted with its software preserved. Nobody is shown it any
	// more; the control plane goes on providing it.
	Kept bool `json:",omitempty"`
}

// addons are kept under their cluster and name.
var addons = store.NewTable[Addon]("eks/addon")

func aboutAddon(c *Cluster, name string) about { return about{cluster: c.name(), addon: name} }

// addon finds an add-on of the caller's cluster.
func addon(tx *store.Tx, call apiwire.Call, clusterName, name *string) (*Cluster, store.Record[Addon], error) {
	c, err := cluster(tx, call, aws.ToString(clusterName))
	if err != nil {
		return nil, store.Record[Addon]{}, err
	}
	r, err := addons.Get(tx, partKey(c.arn(), aws.ToString(name)))
	if hasNot(err) || err == nil && r.Value.Kept {
		err = aboutAddon(c, aws.ToString(name)).notFound("No addon: %s found in cluster: %s", aws.ToString(name), c.name())
	}
	return c, r, err
}

// addonsOf are a cluster's add-ons as its control plane is told them: those
// that are being deleted are left out, those whose software is preserved not.
func addonsOf(tx *store.Tx, cluster string) ([]link.Addon, error) {
	var list []link.Addon
	for a, err := range parts(tx, addons, cluster) {
		if err != nil {
			return nil, err
		}
		if a.Status == types.AddonStatusCreateFailed || a.Status == types.AddonStatusDeleteFailed || a.Status == types.AddonStatusDeleting && !a.Kept {
			continue
		}
		list = append(list, link.Addon{
			Name: *a.AddonName, Version: *a.AddonVersion,
			Configuration: aws.ToString(a.ConfigurationValues), RoleARN: aws.ToString(a.ServiceAccountRoleArn),
		})
	}
	return list, nil
}

// advanceAddons moves a cluster's add-ons on.
func advanceAddons(tx *store.Tx, c *Cluster, s seen) error {
	for r, err := range addons.All(tx, store.Range{Prefix: c.arn() + "/"}) {
		if err != nil {
			return err
		}
		if err := advanceAddon(tx, c, r, s); err != nil {
			return err
		}
	}
	return nil
}

func advanceAddon(tx *store.Tx, c *Cluster, r store.Record[Addon], s seen) error {
	a := &r.Value
	status, issues := nextAddon(a, s)
	switch {
	case a.Kept || status == a.Status && sameIssues(a.Health, issues):
		return nil
	case status == "":
		return addons.Delete(tx, r.Key)
	}
	if a.Status == types.AddonStatusUpdating && status != types.AddonStatusUpdating {
		if err := endAddonUpdate(tx, c, *a.AddonName, status, issues); err != nil {
			return err
		}
	}
	a.Status, a.Health = status, &types.AddonHealth{Issues: issues}
	return addons.Put(tx, r.Key, a)
}

// nextAddon is the status that an add-on has by what is seen, "" when it is
// gone, and its health. ACTIVE is only what the control plane says it
// provides. What has failed stays so until somebody updates or deletes it.
func nextAddon(a *Addon, s seen) (types.AddonStatus, []types.AddonIssue) {
	moving := failedAddon[a.Status] != ""
	why, told := s.status.Addons[*a.AddonName]
	switch {
	case strings.HasSuffix(string(a.Status), "_FAILED"):
	case s.status.Phase == link.Failed && moving:
		return failedAddon[a.Status], addonIssue(types.AddonIssueCodeClusterUnreachable, *failure(s.status).Message)
	case a.Status == types.AddonStatusDeleting && s.settled:
		return "", nil
	case a.Status == types.AddonStatusDeleting:
	case s.records:
		return types.AddonStatusActive, addonIssue(types.AddonIssueCodeClusterUnreachable, textRecords)
	case !s.settled || !told:
	case why == "":
		return types.AddonStatusActive, []types.AddonIssue{}
	case a.Status == types.AddonStatusUpdating:
		return types.AddonStatusUpdateFailed, addonIssue(types.AddonIssueCodeInternalFailure, why)
	default:
		return types.AddonStatusDegraded, addonIssue(types.AddonIssueCodeInternalFailure, why)
	}
	return a.Status, issuesOf(a.Health)
}

// failedAddon is what becomes of a status that a control plane that is gone
// for good leaves where it is.
var failedAddon = map[types.AddonStatus]types.AddonStatus{
	types.AddonStatusCreating: types.AddonStatusCreateFailed,
	types.AddonStatusUpdating: types.AddonStatusUpdateFailed,
	types.AddonStatusDeleting: types.AddonStatusDeleteFailed,
}

func addonIssue(code types.AddonIssueCode, why string) []types.AddonIssue {
	return []types.AddonIssue{{Code: code, Message: aws.String(why), ResourceIds: []string{}}}
}

func issuesOf(h *types.AddonHealth) []types.AddonIssue {
	if h == nil {
		return []types.AddonIssue{}
	}
	return h.Issues
}

func sameIssues(h *types.AddonHealth, issues []types.AddonIssue) bool {
	was := issuesOf(h)
	if len(was) != len(issues) {
		return false
	}
	for i := range was {
		if was[i].Code != issues[i].Code || aws.ToString(was[i].Message) != aws.ToString(issues[i].Message) {
			return false
		}
	}
	return true
}

// endAddonUpdate ends the update that an add-on was in, as its new status
// says.
func endAddonUpdate(tx *store.Tx, c *Cluster, name string, status types.AddonStatus, issues []types.AddonIssue) error {
	u, err := openUpdate(tx, c.arn(), "", name)
	if err != nil || u == nil {
		return err
	}
	var failed []types.ErrorDetail
	if status == types.AddonStatusUpdateFailed {
		for _, i := range issues {
			failed = append(failed, types.ErrorDetail{ErrorCode: types.ErrorCodeUnknown, ErrorMessage: i.Message, ResourceIds: []string{name}})
		}
	}
	return endUpdate(tx, c.arn(), u.Id, failed...)
}

func taggedAddon(tx *store.Tx, arn apiwire.ARN) (tagged, error) {
	cluster, rest := arnParts(arn) // NAME/UUID
	name, _, _ := strings.Cut(rest, "/")
	r, err := addons.Get(tx, partKey(cluster, name))
	switch {
	case err != nil:
		return tagged{}, err
	case r.Value.Kept || aws.ToString(r.Value.AddonArn) != arn.String():
		return tagged{}, store.ErrNotFound
	}
	return tagsOf(tx, addons, r.Key, func(a *Addon) *map[string]string { return &a.Tags })
}
