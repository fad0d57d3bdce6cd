package eks

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file updates node groups. An update is over when the nodes are as it
// wants them.

// updateNodegroup runs change on an ACTIVE node group and begins the update
// that it describes. A request that was made before is answered as then.
func (a *API) updateNodegroup(ctx context.Context, clusterName, name, token *string, in any,
	change func(tx *store.Tx, c *Cluster, n *Nodegroup) (types.Update, error)) (u *types.Update, err error) {
	mark, err := askedBy(token, in)
	if err != nil {
		return nil, err
	}
	err = a.update(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, r, err := nodegroup(tx, call, clusterName, name)
		if err != nil {
			return err
		}
		if u, err = updateAskedBy(tx, c.arn(), mark); u != nil || err != nil {
			return err
		}
		n, about, now := &r.Value, aboutNodegroup(c, r.Value.name()), tx.Now()
		switch {
		case c.Status != types.ClusterStatusActive:
			return about.invalidRequest("Cluster '%s' is not in ACTIVE status", c.name())
		case n.Status != types.NodegroupStatusActive && n.Status != types.NodegroupStatusDegraded:
			return about.inUse("Nodegroup cannot be updated as it is currently not in Active State")
		}
		begun, err := change(tx, c, n)
		if err != nil {
			return err
		}
		n.Status, n.ModifiedAt = types.NodegroupStatusUpdating, &now
		if err := nodegroups.Put(tx, r.Key, n); err != nil {
			return err
		}
		u, err = beginUpdate(tx, c.arn(), Update{Nodegroup: n.name(), Asked: mark, Update: begun})
		return err
	})
	return u, err
}

// UpdateNodegroupConfig changes sizes, labels, taints and how updates go. What
// is not given stays.
func (a *API) UpdateNodegroupConfig(ctx context.Context, in *eks.UpdateNodegroupConfigInput) (*eks.UpdateNodegroupConfigOutput, error) {
	u, err := a.updateNodegroup(ctx, in.ClusterName, in.NodegroupName, in.ClientRequestToken, in,
		func(_ *store.Tx, c *Cluster, n *Nodegroup) (types.Update, error) {
			if err := n.configure(aboutNodegroup(c, n.name()), in); err != nil {
				return types.Update{}, err
			}
			params, err := configParams(in)
			return types.Update{Type: types.UpdateTypeConfigUpdate, Params: params}, err
		})
	if err != nil {
		return nil, err
	}
	u, err = a.settledUpdate(ctx, &eks.DescribeUpdateInput{Name: in.ClusterName, NodegroupName: in.NodegroupName}, u)
	return &eks.UpdateNodegroupConfigOutput{Update: u}, err
}

// configure takes over what a request gives.
func (n *Nodegroup) configure(about about, in *eks.UpdateNodegroupConfigInput) error {
	n.ScalingConfig = scalingOf(in.ScalingConfig, n.ScalingConfig)
	if err := about.checkScaling(n.ScalingConfig); err != nil {
		return err
	}
	if err := about.checkUpdateConfig(in.UpdateConfig); err != nil {
		return err
	}
	if in.UpdateConfig != nil {
		n.UpdateConfig = in.UpdateConfig
	}
	if in.NodeRepairConfig != nil {
		n.NodeRepairConfig = in.NodeRepairConfig
	}
	if in.WarmPoolConfig != nil {
		n.WarmPoolConfig = in.WarmPoolConfig
	}
	if l := in.Labels; l != nil {
		if err := about.checkLabels(l.AddOrUpdateLabels); err != nil {
			return err
		}
		for _, key := range l.RemoveLabels {
			delete(n.Labels, key)
		}
		maps.Copy(n.Labels, l.AddOrUpdateLabels)
	}
	if in.Taints == nil {
		return nil
	}
	if err := about.checkTaints(in.Taints.AddOrUpdateTaints); err != nil {
		return err
	}
	n.Taints = mergeTaints(n.Taints, in.Taints)
	return about.checkTaints(n.Taints)
}

// mergeTaints takes taints away and puts others there; a taint is known by its
// key and its effect.
func mergeTaints(taints []types.Taint, change *types.UpdateTaintsPayload) []types.Taint {
	same := func(t types.Taint) func(types.Taint) bool {
		return func(o types.Taint) bool { return aws.ToString(o.Key) == aws.ToString(t.Key) && o.Effect == t.Effect }
	}
	merged := slices.DeleteFunc(slices.Clone(taints), func(t types.Taint) bool { return slices.ContainsFunc(change.RemoveTaints, same(t)) })
	for _, t := range change.AddOrUpdateTaints {
		if i := slices.IndexFunc(merged, same(t)); i >= 0 {
			merged[i] = t
		} else {
			merged = append(merged, t)
		}
	}
	return merged
}

// configParams are an update's parameters: what the request gave.
func configParams(in *eks.UpdateNodegroupConfigInput) ([]types.UpdateParam, error) {
	p := paramList{}
	if s := in.ScalingConfig; s != nil {
		p.number(types.UpdateParamTypeMinSize, s.MinSize)
		p.number(types.UpdateParamTypeMaxSize, s.MaxSize)
		p.number(types.UpdateParamTypeDesiredSize, s.DesiredSize)
	}
	if l := in.Labels; l != nil {
		p.value(types.UpdateParamTypeLabelsToAdd, l.AddOrUpdateLabels, len(l.AddOrUpdateLabels))
		p.value(types.UpdateParamTypeLabelsToRemove, l.RemoveLabels, len(l.RemoveLabels))
	}
	if t := in.Taints; t != nil {
		p.value(types.UpdateParamTypeTaintsToAdd, shownTaints(t.AddOrUpdateTaints), len(t.AddOrUpdateTaints))
		p.value(types.UpdateParamTypeTaintsToRemove, shownTaints(t.RemoveTaints), len(t.RemoveTaints))
	}
	if u := in.UpdateConfig; u != nil {
		p.number(types.UpdateParamTypeMaxUnavailable, u.MaxUnavailable)
		p.number(types.UpdateParamTypeMaxUnavailablePercentage, u.MaxUnavailablePercentage)
		if u.UpdateStrategy != "" {
			p.list = append(p.list, param(types.UpdateParamTypeUpdateStrategy, string(u.UpdateStrategy)))
		}
	}
	if r := in.NodeRepairConfig; r != nil && r.Enabled != nil {
		p.list = append(p.list, param(types.UpdateParamTypeNodeRepairEnabled, strconv.FormatBool(*r.Enabled)))
	}
	if w := in.WarmPoolConfig; w != nil {
		if w.Enabled != nil {
			p.list = append(p.list, param(types.UpdateParamTypeWarmPoolEnabled, strconv.FormatBool(*w.Enabled)))
		}
		p.number(types.UpdateParamTypeWarmPoolMinSize, w.MinSize)
		p.number(types.UpdateParamTypeWarmPoolMaxGroupPreparedCapacity, w.MaxGroupPreparedCapacity)
	}
	return p.list, p.err
}

// paramList gathers the parameters of an update.
type paramList struct {
	list []types.UpdateParam
	err  error
}

func (p *paramList) number(kind types.UpdateParamType, n *int32) {
	if n != nil {
		p.list = append(p.list, param(kind, strconv.Itoa(int(*n))))
	}
}

// value adds what is told as JSON, unless there is none.
func (p *paramList) value(kind types.UpdateParamType, v any, size int) {
	if size == 0 || p.err != nil {
		return
	}
	var raw []byte
	raw, p.err = json.Marshal(v)
	p.list = append(p.list, param(kind, string(raw)))
}

func shownTaints(taints []types.Taint) []map[string]string {
	list := make([]map[string]string, 0, len(taints))
	for _, t := range taints {
		list = append(list, map[string]string{"key": aws.ToString(t.Key), "value": aws.ToString(t.Value), "effect": string(t.Effect)})
	}
	return list
}

// UpdateNodegroupVersion makes the nodes be of another Kubernetes version, of
// the cluster's when none is given, or of another AMI release.
func (a *API) UpdateNodegroupVersion(ctx context.Context, in *eks.UpdateNodegroupVersionInput) (*eks.UpdateNodegroupVersionOutput, error) {
	u, err := a.updateNodegroup(ctx, in.ClusterName, in.NodegroupName, in.ClientRequestToken, in,
		func(_ *store.Tx, c *Cluster, n *Nodegroup) (types.Update, error) {
			if err := n.setVersion(aboutNodegroup(c, n.name()), in, aws.ToString(c.Version)); err != nil {
				return types.Update{}, err
			}
			return types.Update{Type: types.UpdateTypeVersionUpdate, Params: []types.UpdateParam{
				param(types.UpdateParamTypeVersion, *n.Version), param(types.UpdateParamTypeReleaseVersion, *n.ReleaseVersion),
			}}, nil
		})
	if err != nil {
		return nil, err
	}
	u, err = a.settledUpdate(ctx, &eks.DescribeUpdateInput{Name: in.ClusterName, NodegroupName: in.NodegroupName}, u)
	return &eks.UpdateNodegroupVersionOutput{Update: u}, err
}

// setVersion takes over what a request asks for; kubernetes is the cluster's
// version.
func (n *Nodegroup) setVersion(about about, in *eks.UpdateNodegroupVersionInput, kubernetes string) error {
	if in.LaunchTemplate != nil {
		return about.invalid("You cannot specify a launch template: the node group was not made with one. Neargate has no EC2 launch templates.")
	}
	version := aws.ToString(in.Version)
	if version == "" {
		version = kubernetes
	}
	if err := about.checkNodeVersion(version, kubernetes); err != nil {
		return err
	}
	if minorLess(version, *n.Version) {
		return about.invalid("Requested Nodegroup version %s can't be older than the node group's version %s", version, *n.Version)
	}
	release := aws.ToString(in.ReleaseVersion)
	if release == "" {
		release = releaseOf(version, n.AmiType)
	}
	if err := about.checkRelease(release, version, n.AmiType); err != nil {
		return err
	}
	n.Before, n.Force = &nodeVersion{n.Version, n.ReleaseVersion}, in.Force
	n.Version, n.ReleaseVersion = &version, &release
	return nil
}
