package ec2

import (
	"slices"
	"strings"
)

// This file is what AWS's map looks like: partitions have regions, regions
// have zones. A region that is not on the map works too and has three zones.

// standardRegions are enabled in every account; the others have to be opted
// into, which every account here has done.
var standardRegions = []string{
	"ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
	"ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1",
	"us-east-1", "us-east-2", "us-west-1", "us-west-2",
}

var optInRegions = []string{
	"af-south-1", "ap-east-1", "ap-east-2", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
	"ap-southeast-6", "ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2", "il-central-1",
	"me-central-1", "me-south-1", "mx-central-1",
}

var otherPartitions = map[string][]string{
	"aws-cn":     {"cn-north-1", "cn-northwest-1"},
	"aws-us-gov": {"us-gov-east-1", "us-gov-west-1"},
}

// zoneLetters are the zones of regions that do not have a, b and c numbered 1,
// 2 and 3: "letter number" for each.
var zoneLetters = map[string]string{
	"us-east-1":      "a1 b2 c3 d4 e5 f6",
	"us-west-1":      "a1 b3",
	"us-west-2":      "a1 b2 c3 d4",
	"ap-northeast-1": "a4 c1 d2",
	"ap-northeast-2": "a1 b2 c3 d4",
	"ca-central-1":   "a1 b2 d4",
}

// zone is an Availability Zone.
type zone struct{ name, id, region string }

// zonesOf lists the zones of a region, by name. The numbers in zone ids are
// AWS's; which letter has which number differs between AWS's accounts and is
// fixed here.
func zonesOf(region string) []zone {
	letters, ok := zoneLetters[region]
	if !ok {
		letters = "a1 b2 c3"
	}
	var zones []zone
	for l := range strings.FieldsSeq(letters) {
		zones = append(zones, zone{name: region + l[:1], id: regionCode(region) + "-az" + l[1:], region: region})
	}
	return zones
}

// findZone finds a zone of a region by name or by id.
func findZone(region, nameOrID string) (zone, bool) {
	zones := zonesOf(region)
	i := slices.IndexFunc(zones, func(z zone) bool { return z.name == nameOrID || z.id == nameOrID })
	if i < 0 {
		return zone{}, false
	}
	return zones[i], true
}

// regionCode shortens a region's name as zone ids do: ap-northeast-1 is apne1.
func regionCode(region string) string {
	parts := strings.Split(region, "-")
	if len(parts) < 3 {
		return region
	}
	short := strings.NewReplacer("north", "n", "south", "s", "east", "e", "west", "w", "central", "c", "gov", "g")
	for i := 1; i < len(parts)-1; i++ {
		parts[i] = short.Replace(parts[i])
	}
	return strings.Join(parts, "")
}

// regionsOf lists the regions that a caller in region can see: those of its
// partition, and its own.
func regionsOf(partition, own string) []string {
	all := slices.Concat(standardRegions, optInRegions)
	if others, ok := otherPartitions[partition]; ok {
		all = slices.Clone(others)
	}
	if !slices.Contains(all, own) {
		all = append(all, own)
	}
	slices.Sort(all)
	return all
}

// optIn is the opt-in status of a region in DescribeRegions.
func optIn(region string) string {
	if slices.Contains(optInRegions, region) {
		return "opted-in"
	}
	return "opt-in-not-required"
}
