package server

import "strings"

// Again starts a server up to three times: between the choice of its port and its start, another program may have taken it.
func Again[T any](start func() (T, error)) (started T, err error) {
	for range 3 {
		started, err = start()
		if err == nil || !strings.Contains(err.Error(), "address already in use") {
			return started, err
		}
	}
	return started, err
}
