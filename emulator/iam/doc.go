// Package iam is AWS Identity and Access Management as far as containers need
// it: roles with inline and attached policies, customer policies with
// versions, instance profiles, service-linked roles, OpenID Connect providers,
// users with access keys, account aliases, and tags on all of them. One file
// per resource.
//
// IAM is global: records belong to an account, not to a region.
//
// Policies are checked for form, stored and answered, but not evaluated: no
// request is refused for want of a permission. The one exception is STS, which
// asks the trust policy of a role before it hands the role out.
//
// AWS's own policies: those of a table here (managed.txt) can be read; their
// names and ARNs are AWS's, their documents say in short what AWS's say at
// length. Any other ARN of an AWS managed policy can be attached, but not read.
//
// A user need not be made: an access key that nobody made belongs to the user
// of its name, who comes into being when GetUser first asks for the caller.
package iam
