package controlplane

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// pki.go makes the cluster's keys and certificates, once, and keeps them.

// certificateLife is as long as EKS's certificate authorities live.
const certificateLife = 10 * 365 * 24 * time.Hour

// keys are the files that the upstream parts are given.
type keys struct{ dir string }

func (k keys) path(name string) string { return filepath.Join(k.dir, name) }

func (k keys) cert(name string) string { return k.path(name + ".crt") }
func (k keys) key(name string) string  { return k.path(name + ".key") }

// makeKeys makes whatever is missing in dir/pki. The server's certificate is
// made anew each time, as it names hosts that may change.
func makeKeys(dir string, hosts []string) (keys, error) {
	k := keys{filepath.Join(dir, "pki")}
	if err := os.MkdirAll(k.dir, 0o700); err != nil {
		return k, err
	}
	err := errors.Join(k.authority("ca", "kubernetes"), k.authority("front-proxy-ca", "front-proxy-ca"), k.serviceAccounts())
	if err != nil {
		return k, fmt.Errorf("making the cluster's keys: %w", err)
	}
	server := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "kube-apiserver"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			server.IPAddresses = append(server.IPAddresses, ip)
		} else {
			server.DNSNames = append(server.DNSNames, h)
		}
	}
	client := func(name string, groups ...string) *x509.Certificate {
		return &x509.Certificate{
			Subject:     pkix.Name{CommonName: name, Organization: groups},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		}
	}
	err = errors.Join(
		k.issue("apiserver", "ca", server),
		k.issue("controllers", "ca", client("system:kube-controller-manager")),
		k.issue("front-proxy", "front-proxy-ca", client("front-proxy-client")),
	)
	if err != nil {
		return k, fmt.Errorf("making the cluster's certificates: %w", err)
	}
	return k, nil
}

// authority makes a certificate authority, unless it is there.
func (k keys) authority(name, subject string) error {
	if _, err := os.Stat(k.cert(name)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: subject}, DNSNames: []string{subject},
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	der, err := sign(template, template, key.Public(), key)
	if err != nil {
		return err
	}
	return k.write(name, der, key)
}

// issue makes a certificate that an authority has signed.
func (k keys) issue(name, authority string, template *x509.Certificate) error {
	ca, caKey, err := k.read(authority)
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	der, err := sign(template, ca, key.Public(), caKey)
	if err != nil {
		return err
	}
	return k.write(name, der, key)
}

func sign(template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	template.NotBefore = time.Now().Add(-time.Hour)
	template.NotAfter = time.Now().Add(certificateLife)
	return x509.CreateCertificate(rand.Reader, template, parent, public, key)
}

// serviceAccounts makes the key that signs service accounts' tokens. It is RSA
// because EKS's issuers say RS256.
func (k keys) serviceAccounts() error {
	if _, err := os.Stat(k.key("sa")); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	return writeKey(k.key("sa"), key)
}

func (k keys) read(name string) (*x509.Certificate, crypto.Signer, error) {
	c, err := readPEM(k.cert(name))
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(c)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", k.cert(name), err)
	}
	b, err := readPEM(k.key(name))
	if err != nil {
		return nil, nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(b)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", k.key(name), err)
	}
	return cert, key.(crypto.Signer), nil
}

func readPEM(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s holds no PEM block", path)
	}
	return block.Bytes, nil
}

// write stores the key first: a certificate that is there has its key.
func (k keys) write(name string, der []byte, key crypto.Signer) error {
	if err := writeKey(k.key(name), key); err != nil {
		return err
	}
	return writeFile(k.cert(name), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644)
}

func writeKey(path string, key crypto.Signer) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return writeFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}

// writeFile replaces a file whole, so that a crash leaves the old one.
func writeFile(path string, data []byte, mode fs.FileMode) error {
	if err := os.WriteFile(path+".new", data, mode); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
