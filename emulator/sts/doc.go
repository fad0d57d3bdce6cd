// Package sts is AWS Security Token Service: who a caller is, and temporary
// credentials.
//
// Who is behind an access key:
//
//	12 digits                     the root user of that account
//	of a session issued here      the role, or the user, of the session
//	made by IAM CreateAccessKey   its user
//	anything else                 the user of that name: with the key "alice"
//	                              you are arn:aws:iam::000000000000:user/alice
//
// AssumeRole really looks at the role: it must exist in IAM and its trust
// policy must let the caller in; what a trust policy asks for that no request
// here has, such as MFA, is not met. The policies of the role itself are not
// evaluated: whoever is let in may do everything. Session policies are checked
// for form and change nothing.
//
// The secrets of sessions are stored and known to [API.Secret], so that
// requests signed with them pass a server that verifies signatures, until they
// expire.
//
// AssumeRoleWithWebIdentity takes the tokens of issuers that are part of the
// emulator, those of EKS clusters, and verifies them with the issuer's keys;
// the role's account must have an OpenID Connect provider in IAM for the
// issuer. Others are refused, since nothing here reaches out for keys. Such a
// token has neither session tags nor a source identity.
// [API.AssumeForService] is for AWS services that take a role for somebody.
//
// DecodeAuthorizationMessage refuses every message: no message is encoded here.
package sts
