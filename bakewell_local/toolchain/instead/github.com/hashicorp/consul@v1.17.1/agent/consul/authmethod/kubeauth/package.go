// Package kubeauth is empty: the local cloud has no Kubernetes whose accounts could log in to Consul.
package kubeauth
