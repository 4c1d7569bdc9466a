// Package cloudkms has what is asked of it by name.
package cloudkms

// CloudkmsScope is the permission to use keys.
const CloudkmsScope = "https://www.googleapis.com/auth/cloudkms"
