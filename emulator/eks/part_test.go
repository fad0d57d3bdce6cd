package eks_test

import (
	"iter"
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/eks"

	"github.com/neargate/neargate/emulator/store"
)

// web is the key of the cluster that most tests have.
const web = arnPrefix + "cluster/web"

// everyPart makes one of each thing that belongs to the cluster "web" and
// returns their ARNs.
func (w *world) everyPart(t *testing.T) []string {
	t.Helper()
	name := aws.String("web")
	entry := w.createEntry(t, sdk.CreateAccessEntryInput{PrincipalArn: aws.String(ann)})
	addon := must[*sdk.CreateAddonOutput](t)(w.CreateAddon(w.ctx, &sdk.CreateAddonInput{ClusterName: name, AddonName: aws.String("coredns")})).Addon
	identity := must[*sdk.CreatePodIdentityAssociationOutput](t)(w.CreatePodIdentityAssociation(w.ctx, &sdk.CreatePodIdentityAssociationInput{
		ClusterName: name, Namespace: aws.String("default"), ServiceAccount: aws.String("app"), RoleArn: aws.String(podRole)})).Association
	group := must[*sdk.CreateNodegroupOutput](t)(w.CreateNodegroup(w.ctx, newGroup("workers"))).Nodegroup
	must[*sdk.AssociateIdentityProviderConfigOutput](t)(w.AssociateIdentityProviderConfig(w.ctx, newProvider("corp")))
	provider := w.provider(t, "corp")
	w.reconcile()
	return []string{*entry.AccessEntryArn, *addon.AddonArn, *identity.AssociationArn, *group.NodegroupArn, *provider.IdentityProviderConfigArn}
}

func TestTagsOfParts(t *testing.T) {
	w := entryWorld(t)
	for _, arn := range w.everyPart(t) {
		must[*sdk.TagResourceOutput](t)(w.TagResource(w.ctx, &sdk.TagResourceInput{ResourceArn: &arn, Tags: map[string]string{"a": "1", "b": "2"}}))
		must[*sdk.UntagResourceOutput](t)(w.UntagResource(w.ctx, &sdk.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"b", "k"}}))
		got := must[*sdk.ListTagsForResourceOutput](t)(w.ListTagsForResource(w.ctx, &sdk.ListTagsForResourceInput{ResourceArn: &arn})).Tags
		if !maps.Equal(got, map[string]string{"a": "1"}) {
			t.Errorf("%s has %v", arn, got)
		}
		other := arn[:len(arn)-4] + "0000"
		_, err := w.ListTagsForResource(w.ctx, &sdk.ListTagsForResourceInput{ResourceArn: &other})
		refused(t, err, "NotFoundException: Resource was not found: "+other)
	}
}

func TestPartsGoWithTheirCluster(t *testing.T) {
	w := entryWorld(t)
	w.everyPart(t)
	must[*sdk.StartInsightsRefreshOutput](t)(w.StartInsightsRefresh(w.ctx, &sdk.StartInsightsRefreshInput{ClusterName: aws.String("web")}))
	_, err := w.DeleteCluster(w.ctx, &sdk.DeleteClusterInput{Name: aws.String("web")})
	refused(t, err, "ResourceInUseException: Cluster has nodegroups attached")
	must[*sdk.DeleteNodegroupOutput](t)(w.DeleteNodegroup(w.ctx, &sdk.DeleteNodegroupInput{ClusterName: aws.String("web"), NodegroupName: aws.String("workers")}))
	w.reconcile()
	must[*sdk.DeleteClusterOutput](t)(w.DeleteCluster(w.ctx, &sdk.DeleteClusterInput{Name: aws.String("web")}))
	w.reconcile()
	for key, err := range w.keys() {
		if err != nil {
			t.Fatal(err)
		}
		t.Errorf("%s is left", key)
	}
}

// keys are the keys of all the records there are, but for the history's.
func (w *world) keys() iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		left := map[string]bool{}
		changes, err := w.st.History(w.ctx, store.HistoryQuery{})
		if err != nil {
			yield("", err)
			return
		}
		for _, c := range changes {
			left[c.Kind+" "+c.Key] = c.After != nil
		}
		for key, is := range left {
			if is && !yield(key, nil) {
				return
			}
		}
	}
}
