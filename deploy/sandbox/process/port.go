package process

import (
	"fmt"
	"math/rand/v2"
	"net"
)

// Servers get ports below those that the kernel gives to outgoing connections (32768 and up on Linux): any client could
// take one of those between the choice and the server's start.
const (
	lowestPort  = 15000
	highestPort = 32767
	portTries   = 200
)

// FreePorts returns n different TCP ports of 127.0.0.1 that nothing listens
// on. They are held at the same time, so that no two are alike; another
// program may take one before its server does.
func FreePorts(n int) ([]int, error) {
	ports := make([]int, 0, n)
	for range portTries {
		if len(ports) == n {
			return ports, nil
		}
		port := lowestPort + rand.IntN(highestPort-lowestPort)
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		defer listener.Close()
		ports = append(ports, port)
	}
	return nil, fmt.Errorf("find %d free ports between %d and %d: none in %d tries", n, lowestPort, highestPort, portTries)
}

// FreePort is one port of FreePorts.
func FreePort() (int, error) {
	ports, err := FreePorts(1)
	if err != nil {
		return 0, err
	}
	return ports[0], nil
}
