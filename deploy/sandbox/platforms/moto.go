package platforms

import (
	"context"
)

// Moto is moto's server: AWS's API as far as moto has it.
type Moto struct{ pythonServer }

// StartMoto starts a server with an empty account; it keeps everything in memory.
func StartMoto(ctx context.Context, bin, dir string) (*Moto, error) {
	s, err := startServer(ctx, bin, "moto_server", dir, "/moto-api/data.json", nil, nil)
	if err != nil {
		return nil, err
	}
	return &Moto{s}, nil
}
