package ec2

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

// This file shows the map of region.go.

type DescribeAvailabilityZonesInput struct {
	AllAvailabilityZones *bool
	DryRun               *bool
	Filters              []types.Filter
	ZoneIds              []string
	ZoneNames            []string
}

type DescribeAvailabilityZonesOutput struct {
	AvailabilityZones []types.AvailabilityZone
}

var zoneFields = fields[types.AvailabilityZone]{
	"group-long-name":  func(z *types.AvailabilityZone) []string { return one(z.GroupLongName) },
	"group-name":       func(z *types.AvailabilityZone) []string { return one(z.GroupName) },
	"message":          none[types.AvailabilityZone],
	"opt-in-status":    func(z *types.AvailabilityZone) []string { return word(z.OptInStatus) },
	"parent-zone-id":   none[types.AvailabilityZone],
	"parent-zone-name": none[types.AvailabilityZone],
	"region-name":      func(z *types.AvailabilityZone) []string { return one(z.RegionName) },
	"state":            func(z *types.AvailabilityZone) []string { return word(z.State) },
	"zone-id":          func(z *types.AvailabilityZone) []string { return one(z.ZoneId) },
	"zone-name":        func(z *types.AvailabilityZone) []string { return one(z.ZoneName) },
	"zone-type":        func(z *types.AvailabilityZone) []string { return one(z.ZoneType) },
}

// DescribeAvailabilityZones lists the zones of the caller's region. There are
// no Local or Wavelength Zones.
func (a *API) DescribeAvailabilityZones(ctx context.Context, in *DescribeAvailabilityZonesInput) (*DescribeAvailabilityZonesOutput, error) {
	passes, err := zoneFields.filter(in.Filters, nil)
	if err != nil {
		return nil, err
	}
	out := &DescribeAvailabilityZonesOutput{AvailabilityZones: []types.AvailabilityZone{}}
	err = a.view(ctx, in.DryRun, func(_ *store.Tx, p place) error {
		for _, asked := range slices.Concat(in.ZoneNames, in.ZoneIds) {
			if _, ok := findZone(p.region, asked); !ok {
				return fail("InvalidParameterValue", "Invalid availability zone: [%s]", asked)
			}
		}
		for _, z := range zonesOf(p.region) {
			shown := shownZone(z)
			named := len(in.ZoneNames) == 0 || slices.Contains(in.ZoneNames, z.name)
			identified := len(in.ZoneIds) == 0 || slices.Contains(in.ZoneIds, z.id)
			if named && identified && passes(&shown) {
				out.AvailabilityZones = append(out.AvailabilityZones, shown)
			}
		}
		return nil
	})
	return out, err
}

func shownZone(z zone) types.AvailabilityZone {
	return types.AvailabilityZone{
		ZoneName: &z.name, ZoneId: &z.id, RegionName: &z.region, State: types.AvailabilityZoneStateAvailable,
		OptInStatus: types.AvailabilityZoneOptInStatusOptInNotRequired, ZoneType: aws.String("availability-zone"),
		GroupName: aws.String(z.region + "-zg-1"), NetworkBorderGroup: &z.region, Messages: []types.AvailabilityZoneMessage{},
	}
}

type DescribeRegionsInput struct {
	AllRegions  *bool
	DryRun      *bool
	Filters     []types.Filter
	RegionNames []string
}

type DescribeRegionsOutput struct {
	Regions []types.Region
}

var regionFields = fields[types.Region]{
	"endpoint":      func(r *types.Region) []string { return one(r.Endpoint) },
	"opt-in-status": func(r *types.Region) []string { return one(r.OptInStatus) },
	"region-name":   func(r *types.Region) []string { return one(r.RegionName) },
}

// DescribeRegions lists the regions of the caller's partition. All are
// enabled, so that asking for all of them changes nothing.
func (a *API) DescribeRegions(ctx context.Context, in *DescribeRegionsInput) (*DescribeRegionsOutput, error) {
	passes, err := regionFields.filter(in.Filters, nil)
	if err != nil {
		return nil, err
	}
	p := placeOf(ctx)
	known := regionsOf(p.partition, p.region)
	for _, name := range in.RegionNames {
		if !slices.Contains(known, name) {
			return nil, fail("InvalidParameterValue", "Invalid region provided: %s", name)
		}
	}
	out := &DescribeRegionsOutput{Regions: []types.Region{}}
	for _, name := range known {
		r := types.Region{RegionName: &name, Endpoint: aws.String("ec2." + name + dnsSuffix(p.partition)), OptInStatus: aws.String(optIn(name))}
		if (len(in.RegionNames) == 0 || slices.Contains(in.RegionNames, name)) && passes(&r) {
			out.Regions = append(out.Regions, r)
		}
	}
	return out, dry(in.DryRun)
}

func dnsSuffix(partition string) string {
	if partition == "aws-cn" {
		return ".amazonaws.com.cn"
	}
	return ".amazonaws.com"
}
