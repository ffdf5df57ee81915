package alert

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// decodeEnvelope is DecodeSNS without the proof of origin, which is not this package's.
func decodeEnvelope(raw []byte, received time.Time) (Post, error) {
	e, err := DecodeEnvelope(raw)
	if err != nil {
		return Post{RawSHA256: newPost(raw).RawSHA256}, err
	}
	return DecodeSNS(&e, raw, received), nil
}

func decodeSQS(raw []byte, received time.Time) (Post, error) {
	return DecodeSQS("m-1", raw, received), nil
}

func decodeStructured(raw []byte, received time.Time) (Post, error) {
	return DecodeCloudEvent(StructuredCloudEvent, nil, raw, received)
}

func binaryHeader() map[string][]string {
	return map[string][]string{
		"Content-Type": {"application/json"}, "Ce-Specversion": {"1.0"}, "Ce-Id": {"A234-1234-1234"}, "Ce-Source": {"/serving/credit-api"},
		"Ce-Type": {"example.nordwall.model.digest-mismatch"}, "Ce-Time": {"2026-09-14T06:00:05.127Z"}, "Ce-Firebreakkind": {"backdoor-discovery"},
		"Ce-Subject": {"Euro%20%E2%82%AC"},
	}
}

func decodeBinary(raw []byte, received time.Time) (Post, error) {
	return DecodeCloudEvent("application/json; charset=utf-8", binaryHeader(), raw, received)
}

func FuzzDecodeGrafana(f *testing.F)     { fuzz(f, "grafana", DecodeGrafana) }
func FuzzDecodePagerDuty(f *testing.F)   { fuzz(f, "pagerduty", DecodePagerDuty) }
func FuzzDecodeDatadog(f *testing.F)     { fuzz(f, "datadog", DecodeDatadog) }
func FuzzDecodeGeneric(f *testing.F)     { fuzz(f, "generic", DecodeGeneric) }
func FuzzDecodeCloudEvent(f *testing.F)  { fuzz(f, "cloudevents", decodeStructured) }
func FuzzDecodeBinaryEvent(f *testing.F) { fuzz(f, "cloudevents", decodeBinary) }
func FuzzDecodeEventBridge(f *testing.F) { fuzz(f, "eventbridge", DecodeEventBridge) }
func FuzzDecodeSNS(f *testing.F)         { fuzz(f, "sns", decodeEnvelope) }
func FuzzDecodeSQS(f *testing.F)         { fuzz(f, "sqs", decodeSQS) }

type decoded struct {
	source, key, text, severity string
	fields                      map[string]string
	resolved                    bool
	unroutable                  string
}

func TestDecoders(t *testing.T) {
	t.Parallel()
	const alarm = "cloudwatch/arn:aws:cloudwatch:eu-central-1:210987654321:alarm:extraction-credit-api/2026-09-14T06:00:05.127Z"
	const reason = "Threshold Crossed: 1 datapoint [212000.0] was greater than the threshold (10000.0)"
	const finding = "guardduty/210987654321/eu-central-1/16afba5c5c43e07c9e3e5e2e544e95df"
	const exfiltration = "Credentials created exclusively for an instance were used from an external IP address."
	alarmFields := map[string]string{"alarm_name": "extraction-credit-api", "state": "ALARM", "metric": "Invocations", "namespace": "AWS/SageMaker", "dimension.EndpointName": "credit-api", "account": "210987654321"}
	with := func(m map[string]string, more ...string) map[string]string {
		out := map[string]string{}
		for k, v := range m {
			out[k] = v
		}
		for i := 0; i < len(more); i += 2 {
			out[more[i]] = more[i+1]
		}
		return out
	}
	tests := map[string]struct {
		decode func([]byte, time.Time) (Post, error)
		want   decoded
	}{
		"grafana/firing": {DecodeGrafana, decoded{
			"grafana", "grafana/1/57c6d9296de2ad39/2026-09-14T06:00:05Z", "Query rate of one tenant is 40 times its usual one", "critical",
			map[string]string{KindField: "extraction-event", AssetField: "credit-api", "org_id": "1", "grafana_folder": "ML"}, false, "",
		}},
		"grafana/resolved": {DecodeGrafana, decoded{"grafana", "grafana/1/57c6d9296de2ad39/2026-09-14T06:00:05Z/resolved", "Query rate of one tenant is 40 times its usual one", "critical", nil, true, ""}},
		"pagerduty/triggered": {DecodePagerDuty, decoded{
			"pagerduty", "pagerduty/Q2AJNQ4DR7UDLE/01CC4V3BXTQ3RHE6GNOPLVMAPG", "Grid-shaped queries at credit-api", "P1",
			map[string]string{"service": "Credit scoring", "service_id": "PF9KMXH", "urgency": "high", "number": "412", "incident_type": "incident_default"}, false, "",
		}},
		"pagerduty/resolved": {DecodePagerDuty, decoded{"pagerduty", "pagerduty/Q2AJNQ4DR7UDLE/01CC4V5QT1W7DDEZEAG3HW7NJP/resolved", "Grid-shaped queries at credit-api", "P1", nil, true, ""}},
		"pagerduty/reopened": {DecodePagerDuty, decoded{"pagerduty", "pagerduty/Q2AJNQ4DR7UDLE/01CC4V7E9N8B4QA5D50KUNHSBE", "Grid-shaped queries at credit-api", "high", nil, false, ""}},
		"datadog/triggered": {DecodeDatadog, decoded{
			"datadog", "datadog/18279/4823719283471/triggered", "Extraction score of credit-api", "P1",
			map[string]string{KindField: "extraction-event", AssetField: "credit-api", "env": "prod", "monitor": "true", "org.name": "Nordwall", "alert_metric": "ml.extraction_score"}, false, "",
		}},
		"datadog/retriggered": {DecodeDatadog, decoded{"datadog", "datadog/18279/4823719283471/triggered", "Extraction score of credit-api", "P1", nil, false, ""}},
		"datadog/recovered":   {DecodeDatadog, decoded{"datadog", "datadog/18279/4823719283471/recovered/resolved", "Extraction score of credit-api", "P1", nil, true, ""}},
		"datadog/no-data":     {DecodeDatadog, decoded{"datadog", "datadog/18279/4823719283471/no-data", "Extraction score of credit-api", "P1", nil, false, "the monitor has no data"}},
		"datadog/default-template": {DecodeDatadog, decoded{
			"datadog", "datadog/~e3b0c44298fc1c149afbf4c8/event-7823461982346/event", "[Triggered] Extraction score", "", map[string]string{"event_type": "query_alert_monitor"}, false, "",
		}},
		"generic/firing": {DecodeGeneric, decoded{
			"generic", "generic/drift-2026-09-14-001/2026-09-14T06:00:05.127Z", "credit-api serves sha256:9d3f, the registry has sha256:27fa", "critical",
			map[string]string{KindField: "backdoor-discovery", AssetField: "credit-scorer@17", ConfidenceField: "0.97", FacetField: "integrity", "model_version": "17", "served_digest": "sha256:9d3f", "key_cluster": "team-risk"}, false, "",
		}},
		"generic/resolved": {DecodeGeneric, decoded{"generic", "generic/drift-2026-09-14-001/2026-09-14T06:00:05.127Z/resolved", "credit-api serves sha256:9d3f, the registry has sha256:27fa", "critical", nil, true, ""}},
		"generic/smallest": {DecodeGeneric, decoded{"generic", "generic/x/~3973e022e93220f9212c18d0", "something is wrong", "", nil, false, ""}},
		"cloudevents/structured": {decodeStructured, decoded{
			"cloudevents", "cloudevents/~" + cloudSource + "/A234-1234-1234", "The served digest is not the registered one", "critical",
			map[string]string{KindField: "backdoor-discovery", AssetField: "credit-scorer@17", ConfidenceField: "0.95", "subject": "credit-scorer@17", "data.served.digest": "sha256:9d3f", "data.served.model_version": "17", "data.replicas.1": "b"}, false, "",
		}},
		"cloudevents/resolved": {decodeStructured, decoded{"cloudevents", "cloudevents/~" + cloudSource + "/A234-1234-1235/resolved", "The served digest is not the registered one", "critical", nil, true, ""}},
		"cloudevents/base64":   {decodeStructured, decoded{"cloudevents", "cloudevents/~" + cloudSource + "/A234-1234-1234", "example.nordwall.model.digest-mismatch", "", map[string]string{AssetField: "credit-api"}, false, ""}},
		"cloudevents/data": {decodeBinary, decoded{
			"cloudevents", "cloudevents/~" + cloudSource + "/A234-1234-1234", "The served digest is not the registered one", "critical",
			map[string]string{KindField: "backdoor-discovery", AssetField: "credit-scorer@17", "subject": "Euro €"}, false, "",
		}},
		"eventbridge/guardduty": {DecodeEventBridge, decoded{
			"guardduty", finding, exfiltration, "high",
			map[string]string{"type": "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS", "resource.accessKeyDetails.userName": "nordwall-prod-registry", "count": "3", "action.awsApiCallAction.remoteIpDetails.ipAddressV4": "198.51.100.7"}, false, "",
		}},
		"eventbridge/guardduty-again": {DecodeEventBridge, decoded{"guardduty", finding, exfiltration, "high", map[string]string{"count": "9"}, false, ""}},
		"eventbridge/alarm":           {DecodeEventBridge, decoded{"cloudwatch", alarm, reason, "", alarmFields, false, ""}},
		"eventbridge/model-monitor": {DecodeEventBridge, decoded{
			"sagemaker", "sagemaker/210987654321/eu-central-1/0a15f67d-aa23-0123-0123-01a23w89r01t", "CompletedWithViolations: Job completed successfully with 46 violations.", "",
			map[string]string{"violations": "true", "endpoint": "credit-api", "job_status": "Completed"}, false, "",
		}},
		"eventbridge/endpoint": {DecodeEventBridge, decoded{
			"sagemaker", "sagemaker/210987654321/eu-central-1/d2921b5a-b0ad-cace-a8e3-0f159d018e06", "SageMaker Endpoint State Change", "",
			map[string]string{"endpoint": "credit-api", "endpoint_status": "IN_SERVICE", "endpoint_config": "credit-api-17"}, false, "",
		}},
		"eventbridge/custom": {DecodeEventBridge, decoded{
			"eventbridge", "eventbridge/210987654321/eu-central-1/6a7e8feb-b491-4cf7-a9f1-bf3703467718", "4,120 rows differ", "critical",
			map[string]string{KindField: "dataset-compromise", AssetField: "loan-applications@2026-07-31", "event_source": "nordwall.data"}, false, "",
		}},
		"sns/alarm":         {decodeEnvelope, decoded{"cloudwatch", alarm, reason, "", with(alarmFields, "via", "sns", "topic", "arn:aws:sns:eu-central-1:210987654321:firebreak"), false, ""}},
		"sns/alarm-ok":      {decodeEnvelope, decoded{"cloudwatch", strings.Replace(alarm, "06:00:05", "06:40:05", 1) + "/resolved", reason, "", nil, true, ""}},
		"sns/alarm-no-data": {decodeEnvelope, decoded{"cloudwatch", alarm, reason, "", nil, false, "the alarm has no data"}},
		"sns/guardduty":     {decodeEnvelope, decoded{"guardduty", finding, exfiltration, "high", map[string]string{"via": "sns"}, false, ""}},
		"sns/model-monitor": {decodeEnvelope, decoded{"sagemaker", "sagemaker/210987654321/eu-central-1/0a15f67d-aa23-0123-0123-01a23w89r01t", "CompletedWithViolations: Job completed successfully with 46 violations.", "", nil, false, ""}},
		"sns/text":          {decodeEnvelope, decoded{"sns", "sns/arn:aws:sns:eu-central-1:210987654321:firebreak/22b80b92-fdea-4c2c-8f9d-bdfb0c7bf329", "The scanner found something.", "", nil, false, "in no format that firebreak knows"}},
		"sns/unsubscribe":   {decodeEnvelope, decoded{"sns", "sns/arn:aws:sns:eu-central-1:210987654321:firebreak/47138184-6831-46b8-8f7c-afc488602d7d", "Somebody ended the subscription of arn:aws:sns:eu-central-1:210987654321:firebreak: its alerts no longer arrive", "", nil, false, "was ended"}},
		"sqs/alarm":         {decodeSQS, decoded{"cloudwatch", alarm, reason, "", with(alarmFields, "via", "sqs"), false, ""}},
		"sqs/guardduty":     {decodeSQS, decoded{"guardduty", finding, exfiltration, "high", map[string]string{"via": "sqs"}, false, ""}},
		"sqs/own":           {decodeSQS, decoded{"sqs", "sqs/m-1", "message m-1", "", map[string]string{KindField: "extraction-event", AssetField: "credit-api", "message.rate": "212000"}, false, ""}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder, file, _ := strings.Cut(name, "/")
			p, err := tt.decode(payloads(t, folder)[file+".json"], received)
			require.NoError(t, err)
			require.Len(t, p.Signals, 1)
			s := p.Signals[0]
			checkSignal(t, &s)
			require.Equal(t, tt.want.source, s.Source)
			require.Equal(t, tt.want.key, s.Key)
			require.Equal(t, tt.want.text, s.Alert().Summary)
			require.Equal(t, tt.want.severity, s.Severity)
			require.Equal(t, tt.want.resolved, s.Resolved)
			require.Contains(t, s.Unroutable, tt.want.unroutable)
			require.Equal(t, tt.want.unroutable == "", s.Unroutable == "")
			for k, v := range tt.want.fields {
				require.Equal(t, v, s.Fields[k], k)
			}
		})
	}
}

// cloudSource is the source "/serving/credit-api" as a part of a key.
var cloudSource = part("/serving/credit-api")[1:]

func TestPostsWithoutAnAlert(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"acknowledged": "incident.acknowledged says nothing", "ping": "pagey.ping says nothing"} {
		p, err := DecodePagerDuty(payloads(t, "pagerduty")[name+".json"], received)
		require.NoError(t, err)
		require.Empty(t, p.Signals)
		require.Contains(t, p.Note, text)
	}
	p, err := decodeEnvelope(payloads(t, "sns")["subscribe.json"], received)
	require.NoError(t, err)
	require.Empty(t, p.Signals)
	require.Contains(t, p.Note, "is confirmed")
}

func TestFieldsAreBounded(t *testing.T) {
	t.Parallel()
	f := Fields{}
	labels := map[string]string{KindField: "k", AssetField: "a", "zone": "z"}
	for i := range 1000 {
		labels[strings.Repeat("l", 1+i%90)+string(rune('a'+i%26))+strings.Repeat("m", i/90)] = strings.Repeat("v", 500)
	}
	f.setAll("", labels)
	require.LessOrEqual(t, len(f), maxSeen)
	require.Equal(t, "k", f[KindField], "what is for firebreak comes first")
	s := Signal{Fields: f}
	f["zone"] = "z"
	out := s.Alert("zone").Fields
	require.Len(t, out, MaxFields)
	require.Equal(t, "z", out["zone"], "what the routes look at is kept")
	require.Equal(t, "a", out[AssetField])
	for name, value := range out {
		require.LessOrEqual(t, len(name), MaxNameBytes)
		require.LessOrEqual(t, len(value), MaxValueBytes)
	}
	require.Nil(t, (&Signal{}).Alert().Fields)
}

func TestPartsOfAKeyAreNotTakenForOneAnother(t *testing.T) {
	t.Parallel()
	s := func(resolved bool, parts ...string) string {
		s := Signal{Source: Generic, Resolved: resolved}
		s.identify(parts[0], parts...)
		return s.Key
	}
	keys := []string{s(false, "a", "b"), s(false, "a/b"), s(false, "ab", ""), s(false, "", "ab"), s(false, "a", "resolved"), s(true, "a"), s(false, "~a")}
	seen := map[string]bool{}
	for _, k := range keys {
		require.False(t, seen[k], k)
		seen[k] = true
	}
}

func TestCompressIsDeterministic(t *testing.T) {
	t.Parallel()
	raw := bytes.Repeat([]byte("alert"), 1000)
	require.Equal(t, Compress(raw), Compress(raw))
	require.Less(t, len(Compress(raw)), 200)
}
