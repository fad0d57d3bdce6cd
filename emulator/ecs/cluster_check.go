package ecs

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/apiwire"
)

// This file says what may stand in a cluster.

var insightsValues = []string{"enabled", "disabled", "enhanced"}

func insightsSetting(value string) []types.ClusterSetting {
	return []types.ClusterSetting{{Name: types.ClusterSettingNameContainerInsights, Value: aws.String(value)}}
}

// checkClusterSettings knows the one setting there is. Given twice, the last
// one counts.
func checkClusterSettings(given []types.ClusterSetting) ([]types.ClusterSetting, error) {
	var settings []types.ClusterSetting
	for _, s := range given {
		if s.Name == "" {
			return nil, invalid("Setting name can not be blank.")
		}
		if err := oneOf(invalid, "name", s.Name, s.Name.Values()); err != nil {
			return nil, err
		}
		value := aws.ToString(s.Value)
		if value == "" {
			return nil, invalid("Setting value can not be blank.")
		}
		if err := oneOf(invalid, "value", value, insightsValues); err != nil {
			return nil, err
		}
		settings = insightsSetting(value)
	}
	return settings, nil
}

// checkConfiguration returns the configuration with the default for what it
// leaves out.
func checkConfiguration(given *types.ClusterConfiguration) (*types.ClusterConfiguration, error) {
	if given == nil || given.ExecuteCommandConfiguration == nil {
		return given, nil
	}
	c, e := *given, *given.ExecuteCommandConfiguration
	if err := oneOf(invalid, "logging", e.Logging, e.Logging.Values()); err != nil {
		return nil, err
	}
	if e.Logging == "" {
		e.Logging = types.ExecuteCommandLoggingDefault
	}
	l := e.LogConfiguration
	switch {
	case e.Logging == types.ExecuteCommandLoggingOverride && (l == nil || aws.ToString(l.CloudWatchLogGroupName) == "" && aws.ToString(l.S3BucketName) == ""):
		return nil, invalid("A CloudWatch log group name or S3 bucket name must be specified when overriding the default log configuration. Specify a log group or S3 bucket and try again.")
	case e.Logging != types.ExecuteCommandLoggingOverride && l != nil:
		return nil, invalid("You must set logging to 'OVERRIDE' when you supply a log configuration. Set logging to 'OVERRIDE' and try again.")
	}
	c.ExecuteCommandConfiguration = &e
	return &c, nil
}

// checkNamespace refuses a default Service Connect namespace: AWS would find
// or make one in Cloud Map, and there is none to find it in. An empty name
// takes the default away, which there never is.
func checkNamespace(d *types.ClusterServiceConnectDefaultsRequest) error {
	if d == nil || aws.ToString(d.Namespace) == "" {
		return nil
	}
	if apiwire.IsARN(*d.Namespace) {
		return &types.NamespaceNotFoundException{Message: aws.String("The specified namespace was not found: " + *d.Namespace)}
	}
	return unsupported("serviceConnectDefaults: Neargate has no AWS Cloud Map to create the namespace %s in.", *d.Namespace)
}
