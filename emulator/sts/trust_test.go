package sts

import "testing"

func TestTrusts(t *testing.T) {
	const me = "arn:aws:iam::000000000000:user/alice"
	r := request{action: "sts:AssumeRole", arns: []string{me}, account: "000000000000", keys: map[string][]string{
		"aws:principalarn": {me}, "sts:rolesessionname": {"ci-7"}, "aws:tagkeys": {"a", "b"},
	}}
	allow := func(rest string) string {
		return `{"Effect":"Allow","Principal":{"AWS":"` + me + `"},"Action":"sts:AssumeRole"` + rest + `}`
	}
	for name, c := range map[string]struct {
		statements string
		want       bool
	}{
		"by arn":                     {allow(``), true},
		"star":                       {`{"Effect":"Allow","Principal":"*","Action":"sts:*"}`, true},
		"account":                    {`{"Effect":"Allow","Principal":{"AWS":["111111111111","000000000000"]},"Action":["sts:TagSession","sts:AssumeRole"]}`, true},
		"root":                       {`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"STS:assumerole"}`, true},
		"other root":                 {`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"sts:AssumeRole"}`, false},
		"other action":               {`{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRoleWithWebIdentity"}`, false},
		"not action":                 {`{"Effect":"Allow","Principal":"*","NotAction":"sts:TagSession"}`, true},
		"federated":                  {`{"Effect":"Allow","Principal":{"Federated":"*"},"Action":"sts:AssumeRole"}`, false},
		"denied":                     {allow(``) + `,{"Effect":"Deny","Principal":"*","Action":"*"}`, false},
		"not principal":              {`{"Effect":"Allow","NotPrincipal":{"AWS":"` + me + `"},"Action":"sts:AssumeRole"}`, false},
		"string like":                {allow(`,"Condition":{"StringLike":{"sts:RoleSessionName":"ci-*"}}`), true},
		"string not like":            {allow(`,"Condition":{"StringNotLike":{"sts:RoleSessionName":"ci-*"}}`), false},
		"arn like over slashes":      {allow(`,"Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*"}}`), true},
		"any of several":             {allow(`,"Condition":{"StringEquals":{"sts:RoleSessionName":["x","ci-7"]}}`), true},
		"absent key":                 {allow(`,"Condition":{"StringEquals":{"sts:ExternalId":"x"}}`), false},
		"absent key, negated":        {allow(`,"Condition":{"StringNotEquals":{"sts:ExternalId":"x"}}`), true},
		"absent key, if exists":      {allow(`,"Condition":{"StringEqualsIfExists":{"sts:ExternalId":"x"}}`), true},
		"mfa":                        {allow(`,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":true}}`), false},
		"null":                       {allow(`,"Condition":{"Null":{"sts:ExternalId":"true"}}`), true},
		"not null":                   {allow(`,"Condition":{"Null":{"sts:ExternalId":"false"}}`), false},
		"all values":                 {allow(`,"Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["a","b","c"]}}`), true},
		"not all values":             {allow(`,"Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["a"]}}`), false},
		"any value":                  {allow(`,"Condition":{"ForAnyValue:StringEquals":{"aws:TagKeys":["b"]}}`), true},
		"operator that is not known": {allow(`,"Condition":{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}`), false},
		"bracket means itself":       {allow(`,"Condition":{"StringLike":{"sts:RoleSessionName":"[a-z]i-7"}}`), false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := trusts(`{"Statement":[`+c.statements+`]}`, r)
			if err != nil || got != c.want {
				t.Errorf("trusts = %v, %v; want %v", got, err, c.want)
			}
		})
	}
}
