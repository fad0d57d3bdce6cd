package ecs

import (
	"cmp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// This file is capacity provider strategies: what ECS refuses of them, and how
// tasks are spread over them.

const (
	maxStrategy = 20
	maxBase     = 100000
	maxWeight   = 1000
)

// texts of refusals that differ between cluster operations and all others.
const (
	twoBasesOfCluster = "The specified capacity provider strategy contains multiple capacity providers with a base value defined. Only one capacity provider can have a base value defined. Specify one base value and try again."
	twoBases          = "There are multiple capacity providers in the specified capacity provider strategy with a base value defined. Only one can have a base value defined. Specify one base value and try again."
)

// checkStrategy returns the strategy with every provider by its short name, or
// InvalidParameterException when RunTask or CreateService may not use it on a
// cluster with the providers associated.
func checkStrategy(strategy []types.CapacityProviderStrategyItem, associated []string) ([]types.CapacityProviderStrategyItem, error) {
	return validStrategy(strategy, associated, twoBases)
}

func validStrategy(strategy []types.CapacityProviderStrategyItem, associated []string, twoBases string) ([]types.CapacityProviderStrategyItem, error) {
	if len(strategy) > maxStrategy {
		return nil, invalid("The specified capacity provider strategy cannot contain more than %d capacity providers. Specify fewer capacity providers and try again.", maxStrategy)
	}
	named := make([]types.CapacityProviderStrategyItem, 0, len(strategy))
	for _, item := range strategy {
		item.CapacityProvider = aws.String(shortName(aws.ToString(item.CapacityProvider)))
		if err := checkStrategyItem(item, associated); err != nil {
			return nil, err
		}
		if containsProvider(named, *item.CapacityProvider) {
			return nil, invalid("The specified capacity provider strategy contains the capacity provider '%s' more than once. Specify each capacity provider once and try again.", *item.CapacityProvider)
		}
		named = append(named, item)
	}
	return named, checkWeights(named, twoBases)
}

func checkStrategyItem(item types.CapacityProviderStrategyItem, associated []string) error {
	if !slices.Contains(associated, *item.CapacityProvider) {
		return invalid("The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. Associate the capacity provider with the cluster and try again.")
	}
	if item.Weight < 0 || item.Weight > maxWeight {
		return invalid("The specified capacity provider strategy weight is invalid. Specify a value between 0 and %d and try again.", maxWeight)
	}
	if item.Base < 0 || item.Base > maxBase {
		return invalid("The specified capacity provider strategy base is invalid. Specify a value between 0 and %d and try again.", maxBase)
	}
	return nil
}

func checkWeights(strategy []types.CapacityProviderStrategyItem, twoBases string) error {
	bases, weight := 0, int32(0)
	for _, item := range strategy {
		if item.Base > 0 {
			bases++
		}
		weight += item.Weight
	}
	switch {
	case bases > 1:
		return invalid("%s", twoBases)
	case len(strategy) > 0 && weight == 0:
		return invalid("There are no capacity providers in the capacity provider strategy with a weight value greater than zero. Specify at least one capacity provider with a weight value greater than zero and try again.")
	}
	return nil
}

func containsProvider(strategy []types.CapacityProviderStrategyItem, name string) bool {
	return slices.ContainsFunc(strategy, func(i types.CapacityProviderStrategyItem) bool {
		return aws.ToString(i.CapacityProvider) == name
	})
}

// distribute says how many of n tasks each item of a strategy gets, in its
// order. Bases are satisfied first; what is left is shared in proportion to
// the weights, each item getting its exact share rounded down and the
// remaining tasks going to the largest remainders, of equal ones to the
// heavier item and then to the earlier.
func distribute(strategy []types.CapacityProviderStrategyItem, n int) []int {
	counts := make([]int, len(strategy))
	total := 0
	for i, item := range strategy {
		counts[i] = min(int(item.Base), n)
		n -= counts[i]
		total += int(item.Weight)
	}
	if total == 0 || n == 0 {
		return counts
	}
	left := n
	order := make([]int, len(strategy))
	for i, item := range strategy {
		share := n * int(item.Weight) / total
		counts[i] += share
		left -= share
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		wa, wb := int(strategy[a].Weight), int(strategy[b].Weight)
		return cmp.Or(cmp.Compare(n*wb%total, n*wa%total), cmp.Compare(wb, wa))
	})
	for _, i := range order[:left] {
		counts[i]++
	}
	return counts
}
