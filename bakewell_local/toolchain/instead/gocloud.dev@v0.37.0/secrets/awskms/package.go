// Package awskms refuses every URL.
package awskms

import "gocloud.dev/secrets"

// Scheme is that of its URLs.
const Scheme = "awskms"

func init() {
	secrets.Refuse(Scheme)
}
