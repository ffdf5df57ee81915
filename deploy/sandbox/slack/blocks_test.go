package slack_test

import (
	"fmt"
	"strings"
	"testing"

	slackgo "github.com/slack-go/slack"
	"github.com/stretchr/testify/require"
)

func TestBlocksAreChecked(t *testing.T) {
	t.Parallel()
	_, listener := start(t)
	api := client(listener, token)
	long := func(n int) string { return strings.Repeat("x", n) }
	button := func(change func(*slackgo.ButtonBlockElement)) slackgo.Block {
		b := slackgo.NewButtonBlockElement("a", "v", plain("Go"))
		change(b)
		return slackgo.NewActionBlock("", b)
	}
	choices := func(n int) []*slackgo.OptionBlockObject {
		var list []*slackgo.OptionBlockObject
		for i := range n {
			list = append(list, slackgo.NewOptionBlockObject(fmt.Sprint(i), plain("o"), nil))
		}
		return list
	}
	menu := func(options ...*slackgo.OptionBlockObject) slackgo.Block {
		return slackgo.NewActionBlock("", slackgo.NewOptionsSelectBlockElement("static_select", nil, "m", options...))
	}
	section := func(text string) slackgo.Block { return slackgo.NewSectionBlock(plain(text), nil, nil) }
	many := func(n int) []slackgo.Block {
		var list []slackgo.Block
		for range n {
			list = append(list, slackgo.NewDividerBlock())
		}
		return list
	}
	tests := map[string]struct {
		blocks []slackgo.Block
		want   string
	}{
		"50 blocks":         {many(50), ""},
		"51 blocks":         {many(51), "invalid_blocks"},
		"section of 3000":   {[]slackgo.Block{section(long(3000))}, ""},
		"section of 3001":   {[]slackgo.Block{section(long(3001))}, "invalid_blocks"},
		"header of 150":     {[]slackgo.Block{slackgo.NewHeaderBlock(plain(long(150)))}, ""},
		"header of 151":     {[]slackgo.Block{slackgo.NewHeaderBlock(plain(long(151)))}, "invalid_blocks"},
		"same block ids":    {[]slackgo.Block{slackgo.NewActionBlock("b", slackgo.NewButtonBlockElement("a", "", plain("x"))), slackgo.NewActionBlock("b", slackgo.NewButtonBlockElement("a", "", plain("x")))}, "invalid_blocks"},
		"same action ids":   {[]slackgo.Block{slackgo.NewActionBlock("b", slackgo.NewButtonBlockElement("a", "", plain("x")), slackgo.NewButtonBlockElement("a", "", plain("x")))}, "invalid_blocks"},
		"value of 2000":     {[]slackgo.Block{button(func(b *slackgo.ButtonBlockElement) { b.Value = long(2000) })}, ""},
		"value of 2001":     {[]slackgo.Block{button(func(b *slackgo.ButtonBlockElement) { b.Value = long(2001) })}, "invalid_blocks"},
		"action_id of 256":  {[]slackgo.Block{button(func(b *slackgo.ButtonBlockElement) { b.ActionID = long(256) })}, "invalid_blocks"},
		"button text of 76": {[]slackgo.Block{button(func(b *slackgo.ButtonBlockElement) { b.Text = plain(long(76)) })}, "invalid_blocks"},
		"button in mrkdwn": {[]slackgo.Block{button(func(b *slackgo.ButtonBlockElement) {
			b.Text = slackgo.NewTextBlockObject("mrkdwn", "*x*", false, false)
		})}, "invalid_blocks"},
		"unknown style": {[]slackgo.Block{button(func(b *slackgo.ButtonBlockElement) { b.Style = "green" })}, "invalid_blocks"},
		"confirm too long": {[]slackgo.Block{button(func(b *slackgo.ButtonBlockElement) {
			b.Confirm = slackgo.NewConfirmationBlockObject(plain(long(101)), plain("x"), plain("Yes"), plain("No"))
		})}, "invalid_blocks"},
		"100 options":     {[]slackgo.Block{menu(choices(100)...)}, ""},
		"101 options":     {[]slackgo.Block{menu(choices(101)...)}, "invalid_blocks"},
		"no options":      {[]slackgo.Block{menu()}, "invalid_blocks"},
		"option of 76":    {[]slackgo.Block{menu(slackgo.NewOptionBlockObject("v", plain(long(76)), nil))}, "invalid_blocks"},
		"11 radios":       {[]slackgo.Block{slackgo.NewActionBlock("", slackgo.NewRadioButtonsBlockElement("r", choices(11)...))}, "invalid_blocks"},
		"6 in overflow":   {[]slackgo.Block{slackgo.NewActionBlock("", slackgo.NewOverflowBlockElement("o", choices(6)...))}, "invalid_blocks"},
		"11 fields":       {[]slackgo.Block{slackgo.NewSectionBlock(nil, []*slackgo.TextBlockObject{plain("1"), plain("2"), plain("3"), plain("4"), plain("5"), plain("6"), plain("7"), plain("8"), plain("9"), plain("10"), plain("11")}, nil)}, "invalid_blocks"},
		"no elements":     {[]slackgo.Block{slackgo.NewActionBlock("")}, "invalid_blocks"},
		"text in actions": {[]slackgo.Block{slackgo.NewActionBlock("", slackgo.NewPlainTextInputBlockElement(nil, "t"))}, "invalid_blocks"},
		"all too long":    {[]slackgo.Block{section(long(3000)), section(long(3000)), section(long(3000)), section(long(3000)), section(long(1201))}, "msg_blocks_too_long"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := api.PostMessageContext(t.Context(), "#legal", slackgo.MsgOptionBlocks(tc.blocks...))
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, tc.want)
		})
	}
}
