package mlflow

import "time"

// Impatient makes a client wait hardly at all between attempts.
func Impatient(c *Client) *Client {
	c.wait = time.Millisecond
	return c
}
