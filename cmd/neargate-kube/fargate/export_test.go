package fargate

// What tests look at from outside that has no way out of the package otherwise.
var (
	ResolverOf  = resolverOf
	PodHostname = podHostname
	PodSpec     = podSpec
	Limits      = limits
	NodeName    = nodeName
	AddressOf   = addressOf
	InstanceID  = instanceID
)
