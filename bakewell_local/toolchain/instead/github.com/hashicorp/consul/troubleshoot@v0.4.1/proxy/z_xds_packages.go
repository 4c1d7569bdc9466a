// Left out are the packages of Envoy's API that no code here uses, as in consul/agent/xds.
package troubleshoot
