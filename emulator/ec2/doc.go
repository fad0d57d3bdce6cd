// Package ec2 is the part of Amazon EC2 that ECS and EKS stand on: VPCs,
// subnets, security groups, route tables and what tutorials and Terraform's
// VPC module make beside them. One file per resource.
//
// The first call in an account and region makes the default VPC that AWS gives
// to every account: 172.31.0.0/16, a public /20 subnet in each Availability
// Zone, an internet gateway, the main route table, the default security group,
// network ACL and DHCP options. It is made once: deleted, it stays deleted
// until CreateDefaultVpc. Ids are random and stored.
//
// What stands behind it: subnets and their addresses are real for ECS tasks
// and EKS pods, because the sandbox's network is made from them, and a task is
// public or private by its subnet's route table. These are records and carry or
// stop no traffic: security group rules, network ACLs, NAT gateways, Elastic
// IP addresses (taken from the documentation ranges of RFC 5737, which route
// nowhere) and network interfaces made with CreateNetworkInterface. There are
// no instances, images or VPC endpoints; their Describe operations answer empty
// lists. IPv6 is refused.
//
// The network interfaces of tasks are not stored here: [Attached] shows them,
// and they count as dependencies of their subnet and security groups.
//
// The SDK's ec2 package takes a minute and three gigabytes to compile, so that
// inputs and outputs are written by hand here, with the SDK's names; the
// structs inside are the SDK's (service/ec2/types). A parameter that AWS has
// and an input here has not is refused as UnknownParameter.
package ec2
