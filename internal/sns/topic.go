package sns

import (
	"fmt"
	"net/url"
	"regexp"
)

// topic is a pinned topic and the one host that may speak for it.
type topic struct {
	arn, region, domain string
}

var topicARN = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):sns:([a-z0-9-]{5,32}):[0-9]{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$`)

// parseTopic reads a topic's ARN.
func parseTopic(arn string) (topic, error) {
	m := topicARN.FindStringSubmatch(arn)
	if m == nil {
		return topic{}, fmt.Errorf("%q is no ARN of an SNS topic: want arn:aws:sns:REGION:ACCOUNT:NAME", arn)
	}
	t := topic{arn: arn, region: m[2], domain: "amazonaws.com"}
	if m[1] == "aws-cn" {
		t.domain = "amazonaws.com.cn"
	}
	return t, nil
}

// host is where SNS answers in the topic's region.
func (t topic) host() string { return "sns." + t.region + "." + t.domain }

// signers are the names that certificates of SNS bear, by region and age of the region.
func (t topic) signers() []string {
	return []string{"sns.amazonaws.com", t.host(), "sns-" + t.region + "." + t.domain, "sns-signing." + t.region + "." + t.domain}
}

// ours parses a URL and checks that it leads to the topic's host and nowhere else.
func (t topic) ours(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	// The host is compared whole: neither a port nor a name that only begins like it will do.
	if err != nil || u.Scheme != "https" || u.Host != t.host() || u.User != nil || u.Fragment != "" || u.Opaque != "" {
		return nil, fmt.Errorf("%w: the URL does not lead to https://%s", ErrUntrusted, t.host())
	}
	return u, nil
}
