// Package hashivault refuses every URL.
package hashivault

import "gocloud.dev/secrets"

// Scheme is that of its URLs.
const Scheme = "hashivault"

func init() {
	secrets.Refuse(Scheme)
}
