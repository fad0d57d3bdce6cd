package apiwire

// This file makes services of the two query protocols.

// Query makes a service of the awsQuery protocol, as STS, IAM and ELBv2 are.
// Version is the API version that requests name, xmlns the XML namespace of
// answers.
func Query(name, version, xmlns string, api any) *Service {
	s := newService(name, newAWSQuery(version, xmlns), api)
	s.version, s.xmlns = version, xmlns
	return s
}

// EC2Query makes a service of EC2's own query protocol.
func EC2Query(name, version, xmlns string, api any) *Service {
	s := newService(name, newEC2Query(version, xmlns), api)
	s.version, s.xmlns = version, xmlns
	return s
}
