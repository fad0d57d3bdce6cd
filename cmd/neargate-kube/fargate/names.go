package fargate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// domain is that of EC2's private DNS names.
func domain(region string) string {
	if region == "us-east-1" {
		return "ec2.internal"
	}
	return region + ".compute.internal"
}

// hostName is EC2's private DNS name of an address.
func hostName(address, region string) string {
	return "ip-" + strings.ReplaceAll(address, ".", "-") + "." + domain(region)
}

const nodePrefix = "fargate-"

// nodeName is the name of the Fargate node with an address.
func nodeName(address, region string) string { return nodePrefix + hostName(address, region) }

// addressOf reads the address out of a Fargate node's name, "" when it is none.
func addressOf(node string) string {
	rest, ok := strings.CutPrefix(node, nodePrefix+"ip-")
	if !ok {
		return ""
	}
	first, _, _ := strings.Cut(rest, ".")
	return strings.ReplaceAll(first, "-", ".")
}

// nominated is what a Fargate pod is nominated for before it has a node, and
// the middle of that node's provider ID: 10 hexadecimal digits and 32, of which
// the latter are the sandbox's ID.
func nominated(cluster, sandbox string) string {
	sum := sha256.Sum256([]byte(cluster + "/" + sandbox))
	return hex.EncodeToString(sum[:5]) + "-" + sandbox
}

// providerID is a Fargate node's.
func providerID(cluster, zone, sandbox, node string) string {
	return fmt.Sprintf("aws:///%s/%s/%s", zone, nominated(cluster, sandbox), node)
}

// sandboxOf reads the sandbox's ID out of a Fargate node's provider ID, "" when
// it has another form.
func sandboxOf(providerID string) string {
	parts := strings.Split(providerID, "/")
	if len(parts) != 6 {
		return ""
	}
	_, id, _ := strings.Cut(parts[4], "-")
	return id
}

// holderID is the ID of the sandbox that stands for a node group's node.
func holderID(cluster, group string, index int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/nodegroup/%s/%d", cluster, group, index))
	return hex.EncodeToString(sum[:16])
}

// instanceID is the EC2 instance of a node group's node: the group's own for
// the first, and made up of it for the others.
func instanceID(first string, index int) string {
	if index == 0 && first != "" {
		return first
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", first, index))
	return "i-" + hex.EncodeToString(sum[:])[:17]
}
