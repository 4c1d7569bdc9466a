// Package rest has what builds of container images ask before they do without Kubernetes.
package rest

import "errors"

// Config is a way to reach a Kubernetes.
type Config struct{}

// InClusterConfig returns an error: this is no Kubernetes.
func InClusterConfig() (*Config, error) {
	return nil, errors.New("this Compose was built for Bakewell's local cloud without Kubernetes")
}
