package slackui

// Slack's limits in characters (https://docs.slack.dev/reference/block-kit/blocks and .../block-elements), and the tighter
// ones that we set ourselves.
const (
	maxHeader      = 150
	maxText        = 3000
	maxButton      = 75
	maxOption      = 75
	maxOptionValue = 150
	maxOptions     = 100
	maxElements    = 25
	maxTitle       = 24
	maxInput       = 3000
	maxURL         = 3000

	// maxWeight keeps below the 13,000 characters or so of all blocks together that Slack takes in a message, beyond which it
	// answers msg_blocks_too_long.
	maxWeight = 12_500

	maxLine     = 300
	maxField    = 200
	maxFallback = 1000
	mostLines   = 40
)
