// Consul's own imports of Envoy's API that its code uses stay. Left out are the packages that it imports for the sake
// of configuration that users write in Envoy's own words: the local cloud has no Envoy.
package xds
