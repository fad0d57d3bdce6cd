package eks

import "strings"

// accessPolicyPrefix stands in a policy's ARN between the partition and the
// policy's name.
const accessPolicyPrefix = ":eks::aws:cluster-access-policy/"

// accessPolicyNames are the access policies of EKS as ListAccessPolicies shows
// them. The first five are for people; the others are for what AWS runs.
var accessPolicyNames = strings.Fields(`
	AmazonEKSClusterAdminPolicy AmazonEKSAdminPolicy AmazonEKSEditPolicy AmazonEKSViewPolicy AmazonEKSAdminViewPolicy
	AmazonAIOpsAssistantPolicy AmazonARCRegionSwitchScalingPolicy
	AmazonEKSAutoNodePolicy AmazonEKSBlockStoragePolicy AmazonEKSBlockStorageClusterPolicy AmazonEKSComputePolicy AmazonEKSComputeClusterPolicy
	AmazonEKSLoadBalancingPolicy AmazonEKSLoadBalancingClusterPolicy AmazonEKSNetworkingPolicy AmazonEKSNetworkingClusterPolicy
	AmazonEKSHybridPolicy AmazonEKSClusterInsightsPolicy AmazonEMRJobPolicy
	AmazonSagemakerHyperpodClusterPolicy AmazonSagemakerHyperpodControllerPolicy AmazonSagemakerHyperpodSystemNamespacePolicy
	AWSBackupFullAccessPolicyForBackup AWSBackupFullAccessPolicyForRestore`)
