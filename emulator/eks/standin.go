package eks

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
)

// This file makes up what a cluster shows where there are no control planes:
// an endpoint and a certificate authority in AWS's form, behind which nothing
// is. The cluster's health says so (cluster_health.go).

func (c *Cluster) standIn() error {
	if c.Endpoint != nil {
		return nil
	}
	ca, err := newAuthority(*c.CreatedAt)
	if err != nil {
		return err
	}
	_, region, _ := strings.Cut(c.Scope, "/")
	c.Endpoint = aws.String("https://" + c.Hex + ".gr7." + region + ".eks.amazonaws.com")
	c.CertificateAuthority = &types.Certificate{Data: aws.String(base64.StdEncoding.EncodeToString(ca))}
	return nil
}

// newAuthority is the certificate of an authority, in PEM, good for ten years.
// Its key is not kept: it will never sign anything.
func newAuthority(from time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0), Subject: pkix.Name{CommonName: "kubernetes"}, NotBefore: from, NotAfter: from.AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}
