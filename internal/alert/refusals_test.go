package alert

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDecodersRefuse(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		decode func([]byte, time.Time) (Post, error)
		file   string
		old    string
		new    string
		text   string
	}{
		"grafana, Alertmanager's version": {DecodeGrafana, "grafana/firing", `"version": "1"`, `"version": "4"`, `"4", want "1"`},
		"grafana without alerts":          {DecodeGrafana, "", "", `{"version":"1","alerts":[]}`, "no alerts"},
		"pagerduty, version 2":            {DecodePagerDuty, "", "", `{"messages":[{"event":"incident.trigger"}]}`, "as the webhooks of version 3 have"},
		"pagerduty without an incident":   {DecodePagerDuty, "pagerduty/triggered", `"id": "Q2AJNQ4DR7UDLE"`, `"id": ""`, "no incident with an id"},
		"datadog without ids":             {DecodeDatadog, "", "", `{"title":"x"}`, "neither id nor alert_id"},
		"generic, unknown name":           {DecodeGeneric, "generic/firing", `"title"`, `"titel"`, `unknown field "titel"`},
		"generic without id":              {DecodeGeneric, "generic/firing", `"drift-2026-09-14-001"`, `""`, "id is missing"},
		"generic without text":            {DecodeGeneric, "", "", `{"id":"x"}`, "title and summary are both missing"},
		"generic, status":                 {DecodeGeneric, "", "", `{"id":"x","title":"y","status":"open"}`, `status is "open"`},
		"generic, twice":                  {DecodeGeneric, "", "", `{"id":"x","id":"y","title":"z"}`, `the key "id" is there twice`},
		"cloudevent, version":             {decodeStructured, "cloudevents/structured", `"1.0"`, `"0.3"`, `specversion is "0.3"`},
		"cloudevent without id":           {decodeStructured, "cloudevents/structured", `"id"`, `"xid"`, "the attribute id is missing"},
		"cloudevent without type":         {decodeStructured, "cloudevents/structured", `"type"`, `"xtype"`, "the attribute type is missing"},
		"cloudevent, bad name":            {decodeStructured, "cloudevents/structured", `"firebreakkind"`, `"firebreak_kind"`, "is no name of an attribute"},
		"cloudevent, object":              {decodeStructured, "cloudevents/structured", `"credit-scorer@17",`, `{"a": 1},`, "neither text, number nor truth value"},
		"cloudevent, two data":            {decodeStructured, "cloudevents/base64", `"id"`, `"data": 1, "id"`, "both data and data_base64"},
		"cloudevent, bad base64":          {decodeStructured, "cloudevents/base64", `"eyJ`, `"*`, "data_base64 is not base64"},
		"event without id":                {DecodeEventBridge, "eventbridge/custom", `"id"`, `"xid"`, "it is no EventBridge event"},
		"sns, another type":               {decodeEnvelope, "sns/alarm", `"Notification"`, `"Alarm"`, `the Type is "Alarm"`},
		"sns without topic":               {decodeEnvelope, "sns/alarm", `"TopicArn"`, `"Topic"`, "TopicArn and Timestamp are needed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := tt.new
			if tt.file != "" {
				folder, file, _ := strings.Cut(tt.file, "/")
				before := string(payloads(t, folder)[file+".json"])
				raw = strings.Replace(before, tt.old, tt.new, 1)
				require.NotEqual(t, before, raw)
			}
			p, err := tt.decode([]byte(raw), received)
			require.ErrorContains(t, err, tt.text)
			require.Empty(t, p.Signals)
		})
	}
}

// Whatever the sender, a body that is not one well-formed value is refused alike.
func TestEveryDecoderRefusesBadShapes(t *testing.T) {
	t.Parallel()
	bodies := map[string]string{
		"empty": "", "text": "firing=1", "array": "[]", "number": "1", "cut off": `{"a":`, "two values": "{} {}", "duplicate key": `{"a":1,"a":2}`,
		"deep": strings.Repeat(`{"a":`, 1e5), "deep array": strings.Repeat("[", 1e5) + strings.Repeat("]", 1e5),
		"not UTF-8": "{\"a\":\"\xff\"}", "NUL": "{\"a\":\"\x00\"}", "NUL after": "{}\x00", "too large": "{}" + strings.Repeat(" ", MaxBytes),
	}
	decoders := map[string]func([]byte, time.Time) (Post, error){
		"alertmanager": DecodeAlertmanager, "grafana": DecodeGrafana, "pagerduty": DecodePagerDuty, "datadog": DecodeDatadog, "generic": DecodeGeneric,
		"cloudevents": decodeStructured, "eventbridge": DecodeEventBridge, "sns": decodeEnvelope,
	}
	for name, decode := range decoders {
		for shape, body := range bodies {
			t.Run(name+", "+shape, func(t *testing.T) {
				t.Parallel()
				p, err := decode([]byte(body), received)
				require.Error(t, err)
				require.Empty(t, p.Signals)
			})
		}
	}
}

func TestBinaryCloudEventRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(map[string][]string)
		text   string
	}{
		"version":      {func(h map[string][]string) { h["Ce-Specversion"] = []string{"0.3"} }, "specversion"},
		"no id":        {func(h map[string][]string) { delete(h, "Ce-Id") }, "the attribute id is missing"},
		"two ids":      {func(h map[string][]string) { h["Ce-Id"] = []string{"a", "b"} }, "no single attribute"},
		"bad escape":   {func(h map[string][]string) { h["Ce-Subject"] = []string{"%zz"} }, "percent-encoded"},
		"bad name":     {func(h map[string][]string) { h["Ce-A_b"] = []string{"c"} }, "no single attribute"},
		"control only": {func(h map[string][]string) { h["Ce-Id"] = []string{"%00"} }, "the attribute id is missing"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := binaryHeader()
			tt.change(h)
			_, err := DecodeCloudEvent("application/json", h, []byte("{}"), received)
			require.ErrorContains(t, err, tt.text)
		})
	}
	_, err := DecodeCloudEvent("text/xml", binaryHeader(), nil, received)
	require.ErrorContains(t, err, `the Content-Type is "text/xml"`)
	p, err := DecodeCloudEvent("application/json", binaryHeader(), nil, received)
	require.NoError(t, err, "an event may have no data")
	require.Len(t, p.Signals, 1)
}

// A message that SQS bears is never refused: it would come again until it is lost.
func TestSQSBodyThatCannotBeReadGoesToAPerson(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "plain text", "{\"a\":\"\xff\"}", strings.Repeat("[", 1e5), `{"a":1,"a":2}`} {
		p := DecodeSQS("m-1", []byte(body), received)
		require.Len(t, p.Signals, 1)
		require.Contains(t, p.Signals[0].Unroutable, "in no format")
		checkSignal(t, &p.Signals[0])
	}
}
